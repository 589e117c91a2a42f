package calendar

import (
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/wallclock"
	"github.com/steadgo/stead/periodic"
)

// Between returns a calendar that excludes the time from one instant, inclusive, to
// another, exclusive.
func Between(from, until time.Time) periodic.Calendar { return between{from.Round(0), until.Round(0)} }

type between struct{ from, until time.Time }

func (b between) Excluded(t time.Time) (time.Time, bool) {
	return b.until, !t.Before(b.from) && t.Before(b.until)
}

// Holidays returns a calendar that excludes whole days in loc. If loc is nil, UTC
// is used. A day is "2026-04-03", or "12-25" for each year. Spaces around a day are
// ignored, such as those after the commas of a list that was split. Holidays
// returns an error if a day is invalid.
func Holidays(loc *time.Location, days ...string) (periodic.Calendar, error) {
	h := holidays{loc: wallclock.OrUTC(loc), days: make(map[date]struct{}, len(days))}
	for _, day := range days {
		day = strings.TrimSpace(day)
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			// Parsed in a leap year, so that 29 February is valid.
			t, err = time.Parse(time.DateOnly, "2000-"+day)
			t = t.AddDate(-2000, 0, 0)
		}
		if err != nil {
			return nil, fmt.Errorf(`stead/periodic/calendar: holidays: %q is not a day such as "2026-04-03" or "12-25"`, clip(day))
		}
		h.days[dateOf(t)] = struct{}{}
	}
	return h, nil
}

// date is a day. The year 0 stands for each year.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

type holidays struct {
	loc  *time.Location
	days map[date]struct{}
}

func (h holidays) Excluded(t time.Time) (time.Time, bool) {
	t = t.In(h.loc)
	day := dateOf(t)
	_, once := h.days[day]
	_, yearly := h.days[date{0, day.month, day.day}]
	if !once && !yearly {
		return time.Time{}, false
	}
	return endOf(t, time.Date(day.year, day.month, day.day+1, 0, 0, 0, 0, time.UTC)), true
}

// endOf returns the first instant after t at which the wall clock in the zone of t
// shows end.
func endOf(t, end time.Time) time.Time {
	until := wallclock.FirstInstant(end, t.Location())
	if !until.After(t) {
		// The wall clock showed the end before it was set back.
		until = t.Add(end.Sub(wallclock.At(t).Picture(t)))
	}
	return until
}

// WeeklyHours returns a calendar that excludes hours on the given days of each week
// in loc. If loc is nil, UTC is used. The hours are from one time of day,
// inclusive, to another, exclusive: "09:00" to "17:30". If the second is not after
// the first, the exclusion ends on the following day; from "00:00" to "00:00" is
// the whole day. WeeklyHours returns an error if a time of day or a weekday is
// invalid.
func WeeklyHours(loc *time.Location, from, until string, days ...time.Weekday) (periodic.Calendar, error) {
	w := weekly{loc: wallclock.OrUTC(loc)}
	for _, edge := range []struct {
		text string
		into *time.Duration
	}{{from, &w.from}, {until, &w.until}} {
		t, err := wallclock.TimeOfDay(edge.text)
		if err != nil {
			return nil, fmt.Errorf("stead/periodic/calendar: weekly hours: %q: %w", clip(edge.text), err)
		}
		*edge.into = t
	}
	if w.until <= w.from {
		w.until += 24 * time.Hour
	}
	for _, day := range days {
		if day < time.Sunday || day > time.Saturday {
			return nil, fmt.Errorf("stead/periodic/calendar: weekly hours: no such weekday: %d", day)
		}
		w.days[day] = true
	}
	return w, nil
}

// weekly has its times of day as durations since midnight on the wall clock. until
// may be past the next midnight.
type weekly struct {
	loc         *time.Location
	from, until time.Duration
	days        [7]bool
}

func (w weekly) Excluded(t time.Time) (time.Time, bool) {
	t = t.In(w.loc)
	picture := wallclock.At(t).Picture(t)
	today := picture.Truncate(24 * time.Hour) // a picture is in UTC, so this is its midnight
	for _, midnight := range []time.Time{today, today.AddDate(0, 0, -1)} {
		begin, end := midnight.Add(w.from), midnight.Add(w.until)
		if w.days[midnight.Weekday()] && !picture.Before(begin) && picture.Before(end) {
			return endOf(t, end), true
		}
	}
	return time.Time{}, false
}

// clip bounds the length of a text in an error message.
func clip(s string) string { return s[:min(len(s), 80)] }
