// Package calendar has the times when nothing is to run: holidays, hours of the
// week, a stretch of time. They are for [periodic.Except], which takes them out of
// a schedule.
//
// # Usage
//
//	days, err := calendar.Holidays(berlin, "01-01", "12-25", "2026-04-03")
//	nights, err := calendar.WeeklyHours(berlin, "22:00", "06:00", time.Friday, time.Saturday)
//	s := periodic.Except(every, days, nights, calendar.Between(freeze, thaw))
//
// Anything with the one method of [periodic.Calendar] is a calendar too: the days
// off that another program publishes, for instance.
//
// # Guarantees
//
//  1. A calendar begins at its first instant and ends before its last: a slot at
//     the very end of an exclusion is not excluded.
//  2. Days and hours are those that the wall clock shows in the zone, also on
//     days when the clocks change: a day has 23 or 25 hours then, and a stretch
//     of time that is shown twice is excluded both times.
//  3. Calendars are immutable: any number of schedules and goroutines may share
//     one.
//
// # Not for
//
// Moving a slot to the next working day. What is excluded does not run; a schedule
// of one's own, which is one method, can do otherwise.
package calendar
