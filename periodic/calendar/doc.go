// Package calendar has sets of times at which nothing may run: holidays, hours of
// the week, a span of time. [periodic.Except] excludes them from a schedule.
//
// # Usage
//
//	days, err := calendar.Holidays(berlin, "01-01", "12-25", "2026-04-03")
//	nights, err := calendar.WeeklyHours(berlin, "22:00", "06:00", time.Friday, time.Saturday)
//	s := periodic.Except(every, days, nights, calendar.Between(freeze, thaw))
//
// Anything with the one method of [periodic.Calendar] is a calendar too, such as
// the days off that another program publishes.
//
// # Guarantees
//
//  1. An exclusion includes its first instant and not its end. A slot at the very
//     end is not excluded.
//  2. Days and hours are as the wall clock shows them in the zone, also on days
//     when the clocks change. A day has 23 or 25 hours then, and a span of time
//     that is shown twice is excluded both times.
//  3. Calendars are immutable. Any number of schedules and goroutines may share
//     one.
//
// # Not for
//
// Moving a slot to the next working day. An excluded slot does not run. A schedule
// of your own, which is one method, can do otherwise.
package calendar
