package periodic_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// slots lists the first n slots after from.
func slots(s periodic.Schedule, from time.Time, n int) string {
	lines := make([]string, n)
	for i := range lines {
		from = s.Next(from)
		lines[i] = from.Format("Mon 2 Jan 2006 15:04 MST")
	}
	return strings.Join(lines, "\n")
}

// Nothing is deployed on holidays; periodic/calendar has more of that kind.
func ExampleExcept() {
	workdays, err := periodic.Cron("0 10 * * MON-FRI", nil)
	if err != nil {
		panic(err)
	}
	holidays, err := calendar.Holidays(nil, "01-01", "12-25", "12-26")
	if err != nil {
		panic(err)
	}
	fmt.Println(slots(periodic.Except(workdays, holidays), time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), 2))
	// Output:
	// Thu 24 Dec 2026 10:00 UTC
	// Mon 28 Dec 2026 10:00 UTC
}

func ExampleSchedule() {
	s := periodic.Bounded(periodic.Every(6*time.Hour), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{})
	fmt.Println(slots(s, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), 2))
	// Output:
	// Thu 1 Jan 2026 00:00 UTC
	// Thu 1 Jan 2026 06:00 UTC
}

func ExampleUnion() {
	weekdays, _ := periodic.Cron("0 8 * * MON-FRI", nil)
	weekends, _ := periodic.Cron("0 10 * * SAT,SUN", nil)
	fmt.Println(slots(periodic.Union(weekdays, weekends), time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC), 3))
	// Output:
	// Sat 3 Jan 2026 10:00 UTC
	// Sun 4 Jan 2026 10:00 UTC
	// Mon 5 Jan 2026 08:00 UTC
}

// quarterEnd is a calendar of one's own: the last week of a quarter.
type quarterEnd struct{}

func (quarterEnd) Excluded(t time.Time) (time.Time, bool) {
	next := time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, t.Location())
	return next, t.Month()%3 == 0 && next.Sub(t) <= 7*24*time.Hour
}

func ExampleCalendar() {
	fridays, _ := periodic.Cron("0 22 * * FRI", nil)
	fmt.Println(slots(periodic.Except(fridays, quarterEnd{}), time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC), 2))
	// Output:
	// Fri 20 Mar 2026 22:00 UTC
	// Fri 3 Apr 2026 22:00 UTC
}

func ExampleCron() {
	_, err := periodic.Cron("0 0 31 2 *", nil)
	fmt.Println(err)
	lastWorkday, _ := periodic.Cron("0 18 LW * *", nil)
	fmt.Println(slots(lastWorkday, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 2))
	// Output:
	// stead/periodic: cron "0 0 31 2 *": it is never due
	// Fri 30 Jan 2026 18:00 UTC
	// Fri 27 Feb 2026 18:00 UTC
}

// In New York, 02:30 does not exist on 8 March 2026.
func ExampleGapPolicy() {
	ny, _ := time.LoadLocation("America/New_York")
	eve := time.Date(2026, 3, 7, 12, 0, 0, 0, ny)
	moved, _ := periodic.DailyAt("02:30", ny)
	fmt.Println(slots(moved, eve, 2))
	skipped, _ := periodic.DailyAt("02:30", ny, periodic.Gap(periodic.SkipGap))
	fmt.Println(slots(skipped, eve, 1))
	// Output:
	// Sun 8 Mar 2026 03:00 EDT
	// Mon 9 Mar 2026 02:30 EDT
	// Mon 9 Mar 2026 02:30 EDT
}

// In New York, 01:30 comes twice on 1 November 2026.
func ExampleRepeatPolicy() {
	ny, _ := time.LoadLocation("America/New_York")
	eve := time.Date(2026, 10, 31, 12, 0, 0, 0, ny)
	once, _ := periodic.DailyAt("01:30", ny)
	fmt.Println(slots(once, eve, 2))
	both, _ := periodic.DailyAt("01:30", ny, periodic.Repeat(periodic.RepeatBoth))
	fmt.Println(slots(both, eve, 2))
	// Output:
	// Sun 1 Nov 2026 01:30 EDT
	// Mon 2 Nov 2026 01:30 EST
	// Sun 1 Nov 2026 01:30 EDT
	// Sun 1 Nov 2026 01:30 EST
}

func ExampleCronOption() {
	options := []periodic.CronOption{periodic.Gap(periodic.SkipGap), periodic.Repeat(periodic.RepeatBoth)}
	_, err := periodic.Cron("30 2 * * SUN", time.Local, options...)
	fmt.Println(err)
	// Output: <nil>
}

// For expressions that stand in the program.
func ExampleMustCron() {
	s := periodic.Union(periodic.MustCron("0 9 L-2W * *", nil), periodic.MustDailyAt("06:30", nil))
	fmt.Println(slots(s, time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC), 2))
	fmt.Println(slots(s, time.Date(2026, 2, 26, 7, 0, 0, 0, time.UTC), 1)) // two days before the 28th, a Thursday
	// Output:
	// Fri 30 Jan 2026 06:30 UTC
	// Sat 31 Jan 2026 06:30 UTC
	// Thu 26 Feb 2026 09:00 UTC
}

// Friday the 13th. Without the option it is every Friday and every 13th.
func ExampleAndDays() {
	s, err := periodic.Cron("0 9 13 * FRI", nil, periodic.AndDays())
	fmt.Println(slots(s, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 3), err)
	// Output:
	// Fri 13 Feb 2026 09:00 UTC
	// Fri 13 Mar 2026 09:00 UTC
	// Fri 13 Nov 2026 09:00 UTC <nil>
}

func ExampleDailyAt() {
	s, err := periodic.DailyAt("06:30", nil)
	fmt.Println(slots(s, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), 1), err)
	_, err = periodic.DailyAt("6:30pm", nil)
	fmt.Println(err)
	// Output:
	// Fri 2 Jan 2026 06:30 UTC <nil>
	// stead/periodic: daily at "6:30pm": want a time of day such as "06:30" or "06:30:15", from "00:00" to "23:59:59"
}

// The errors say what was probably meant.
func ExampleCron_errors() {
	for _, expr := range []string{"30 2 * * MO", "*/0 * * * *", "0 22-6 * * *", "5m"} {
		_, err := periodic.Cron(expr, nil)
		fmt.Println(err)
	}
	// Output:
	// stead/periodic: cron "30 2 * * MO": day of week: "MO", want 0 to 7 or SUN to SAT; did you mean MON?
	// stead/periodic: cron "*/0 * * * *": minute: "*/0", want a step from 1 to 59 after /
	// stead/periodic: cron "0 22-6 * * *": hour: "22-6", want a range that ascends; did you mean 22-23,0-6?
	// stead/periodic: cron "5m": it has 1 field, want 5 (minute, hour, day of month, month, day of week) or 6 with second before them; for a period there is the schedule Every
}

// A job that runs once, at an instant.
func ExampleAt() {
	s := periodic.At(time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC))
	fmt.Println(slots(s, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1))
	fmt.Println(s.Next(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero())
	// Output:
	// Thu 31 Dec 2026 23:59 UTC
	// true
}

// Every quarter of an hour, but only this week.
func ExampleBounded() {
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	s := periodic.Bounded(periodic.Every(15*time.Minute), monday, monday.AddDate(0, 0, 7))
	fmt.Println(slots(s, monday.AddDate(0, 0, -30), 2))
	fmt.Println(s.Next(monday.AddDate(0, 0, 7)).IsZero())
	// Output:
	// Mon 2 Mar 2026 00:00 UTC
	// Mon 2 Mar 2026 00:15 UTC
	// true
}
