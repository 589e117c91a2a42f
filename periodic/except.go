package periodic

import (
	"errors"
	"slices"
	"time"
)

// Calendar is a set of times at which nothing may run, for [Except]. Package
// periodic/calendar has the usual ones: holidays, hours of the week, a span of
// time.
//
// Excluded reports whether t is in the set. If so, until is the first instant after
// t that is not in the set. It may be earlier than that, but must be after t.
// Excluded must be safe for concurrent use.
type Calendar interface {
	Excluded(t time.Time) (until time.Time, excluded bool)
}

// Except returns s without the slots that one of the calendars excludes. A slot at
// the very end of an exclusion is not excluded. Excluded slots are not moved: they
// do not run.
//
// Next returns the zero time, which ends the job, when all slots of five years or
// 20,000 consecutive slots are excluded.
func Except(s Schedule, calendars ...Calendar) Schedule {
	return except{s, slices.Clone(calendars)}
}

type except struct {
	schedule  Schedule
	calendars []Calendar
}

const (
	exceptYears = 5
	exceptSlots = 20_000
)

func (e except) Next(after time.Time) time.Time {
	last := after.AddDate(exceptYears, 0, 0)
	next := later(e.schedule, after)
	for range exceptSlots {
		if next.IsZero() {
			return next
		}
		until, excluded := e.excluded(next)
		if !excluded {
			return next
		}
		if next.After(last) {
			break
		}
		if until.After(next) {
			until = until.Add(-1) // the end itself may be a slot
		} else {
			until = next
		}
		next = later(e.schedule, until)
	}
	return time.Time{}
}

// excluded returns the union of the calendars at t.
func (e except) excluded(t time.Time) (until time.Time, excluded bool) {
	for _, c := range e.calendars {
		if c == nil { // New refuses it
			continue
		}
		if end, ok := c.Excluded(t); ok {
			excluded = true
			if end.After(until) {
				until = end
			}
		}
	}
	return until, excluded
}

func (e except) check() error {
	if slices.Contains(e.calendars, nil) {
		return errors.New("Schedule: Except: a calendar is nil")
	}
	return check(e.schedule, true)
}

func (e except) bind(anchor time.Time) Schedule {
	return except{bind(e.schedule, anchor), e.calendars}
}
