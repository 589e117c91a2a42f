package calendar_test

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

// The board meets on the third Tuesday of every month, except on national
// holidays.
func ExampleHolidays() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	tuesdays, err := periodic.Cron("0 10 * * TUE#3", berlin)
	if err != nil {
		panic(err)
	}
	holidays, err := calendar.Holidays(berlin, "01-01", "05-01", "10-03", "12-25", "12-26", "2026-02-17")
	if err != nil {
		panic(err)
	}
	fmt.Println(slots(periodic.Except(tuesdays, holidays), time.Date(2026, 1, 1, 0, 0, 0, 0, berlin), 3))
	// Output:
	// Tue 20 Jan 2026 10:00 CET
	// Tue 17 Mar 2026 10:00 CET
	// Tue 21 Apr 2026 10:00 CEST
}

// Every two hours, but not in office hours.
func ExampleWeeklyHours() {
	office, err := calendar.WeeklyHours(time.UTC, "09:00", "17:00", time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	if err != nil {
		panic(err)
	}
	hours, err := periodic.Cron("0 */2 * * *", nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(slots(periodic.Except(hours, office), time.Date(2026, 1, 5, 7, 0, 0, 0, time.UTC), 3))
	// Output:
	// Mon 5 Jan 2026 08:00 UTC
	// Mon 5 Jan 2026 18:00 UTC
	// Mon 5 Jan 2026 20:00 UTC
}

// Nothing is deployed while the shop is frozen.
func ExampleBetween() {
	freeze := calendar.Between(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC))
	daily, err := periodic.DailyAt("09:00", nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(slots(periodic.Except(daily, freeze), time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC), 2))
	// Output:
	// Thu 19 Nov 2026 09:00 UTC
	// Wed 2 Dec 2026 09:00 UTC
}
