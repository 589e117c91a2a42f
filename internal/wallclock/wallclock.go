// Package wallclock computes with what a wall clock shows in a time zone.
//
// The clocks of a zone are a chain of segments with a constant offset from UTC.
// Inside a segment, wall-clock arithmetic is plain arithmetic. Computations with
// wall-clock times are therefore done per segment, on the "picture" of the wall
// clock: the UTC time that shows the same digits. All surprises are at the joints
// of segments, and there the caller decides. Passing a zone to calendar code would
// leave each joint to what the author of that code thought of.
package wallclock

import (
	"errors"
	"time"
)

// Segment is a span of constant offset. A zero Start or End means unbounded. Two
// neighbors may have the same offset.
type Segment struct {
	Start, End time.Time
	Offset     time.Duration
}

// At returns the segment of t in its location. Start is not after t and End is
// after t, so a walk from segment to segment always moves forward.
//
// [time.Time.ZoneBounds] alone does not guarantee that. Where the rule of a zone
// applies, it treats one year of UTC by itself, which it counts as 365 days. On the
// last day of a leap year its end is not after t. A rule that reaches into the next
// year has an end after the change that comes with that year.
func At(t time.Time) Segment {
	start, end := t.ZoneBounds()
	s := Segment{start, end, OffsetAt(t)}
	utc := t.UTC()
	if newYear := yearOf(utc, 1).In(t.Location()); end.After(newYear) && OffsetAt(newYear) != s.Offset {
		s.End = newYear
	}
	if !end.IsZero() && !end.After(t) {
		s.End = utc.Truncate(day).Add(day).In(t.Location()) // the year ends at such a midnight
	}
	if newYear := yearOf(utc, 0).In(t.Location()); start.Before(newYear) && OffsetAt(newYear.Add(-1)) != s.Offset {
		s.Start = newYear
	}
	if s.Start.After(t) {
		s.Start = t
	}
	return s
}

const day = 24 * time.Hour

// yearOf returns the beginning of the year of t, or of a year later.
func yearOf(t time.Time, later int) time.Time {
	return time.Date(t.Year()+later, 1, 1, 0, 0, 0, 0, time.UTC)
}

// OffsetAt returns the offset from UTC at t.
func OffsetAt(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// Picture returns the UTC time whose digits the wall clock of the segment shows at
// t.
func (s Segment) Picture(t time.Time) time.Time { return t.UTC().Add(s.Offset) }

// FirstInstant returns the first instant at which the wall clock of loc shows
// picture or a later time. [time.Date] does not specify which side of a change of
// the clocks it picks.
func FirstInstant(picture time.Time, loc *time.Location) time.Time {
	// No offset is longer than a day, so the search begins before the answer.
	t := picture.Add(-2 * day).In(loc)
	for {
		seg := At(t)
		at := picture.Add(-seg.Offset)
		if at.Before(t) {
			return t // skipped: t is the start of the segment
		}
		if seg.End.IsZero() || at.Before(seg.End) {
			return at.In(loc)
		}
		t = seg.End.In(loc)
	}
}

// TimeOfDay parses "15:04" or "15:04:05" and returns the time since midnight on the
// wall clock.
func TimeOfDay(text string) (time.Duration, error) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, text); err == nil && len(text) == len(layout) {
			return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second, nil
		}
	}
	return 0, errors.New(`want a time of day such as "06:30" or "06:30:15", from "00:00" to "23:59:59"`)
}

// OrUTC returns loc, or UTC if loc is nil.
func OrUTC(loc *time.Location) *time.Location {
	if loc == nil {
		return time.UTC
	}
	return loc
}
