package periodic

import (
	"errors"
	"fmt"
	"time"
)

// DailyAt is due each day at a time of day, "15:04" or "15:04:05", in loc; nil is
// UTC. Days when the clocks change follow the policies, as with [Cron].
func DailyAt(at string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	return calendarAt("daily", at, "* * *", loc, opts)
}

// WeeklyAt is due each week on a day at a time of day; see [DailyAt]. For several
// days take [Cron] or [Union].
func WeeklyAt(day time.Weekday, at string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	if day < time.Sunday || day > time.Saturday {
		return nil, fmt.Errorf("stead/periodic: weekly at %q: no such weekday: %d", at, day)
	}
	return calendarAt("weekly", at, fmt.Sprintf("* * %d", day), loc, opts)
}

// MonthlyAt is due each month on a day at a time of day; see [DailyAt]. Days
// count from 1, or from the end: -1 is the last day, -2 the one before. A month
// without that day is passed over: for the end of each month take -1, not 31.
func MonthlyAt(day int, at string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	var field string
	switch {
	case day >= 1 && day <= 31:
		field = fmt.Sprint(day)
	case day == -1:
		field = "L"
	case day < -1 && day >= -31:
		field = fmt.Sprintf("L-%d", -day-1)
	default:
		return nil, fmt.Errorf("stead/periodic: monthly at %q: no month has day %d", at, day)
	}
	return calendarAt("monthly", at, field+" * *", loc, opts)
}

// calendarAt is Cron for a time of day and the fields of the days.
func calendarAt(verb, at, days string, loc *time.Location, opts []CronOption) (Schedule, error) {
	t, err := parseTimeOfDay(at)
	if err != nil {
		return nil, fmt.Errorf("stead/periodic: %s at %q: %w", verb, at, err)
	}
	return Cron(fmt.Sprintf("%d %d %d %s", t.Second(), t.Minute(), t.Hour(), days), loc, opts...)
}

// parseTimeOfDay reads "15:04" or "15:04:05".
func parseTimeOfDay(at string) (time.Time, error) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, at); err == nil && len(at) == len(layout) {
			return t, nil
		}
	}
	return time.Time{}, errors.New(`not a time of day such as "06:30" or "06:30:15"`)
}
