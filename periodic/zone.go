package periodic

import "time"

// The clocks of a zone are a chain of segments with a constant offset from UTC.
// Inside one, wall-clock arithmetic is plain arithmetic, so a schedule of
// wall-clock times is worked out per segment on the "picture" of the wall clock:
// the UTC time that shows the same digits. All surprises sit at the joints, and
// there the policies below decide. Handing a zone to calendar code instead
// leaves every joint to what its author happened to think of.

// segment is one stretch of constant offset. A zero start or end is open.
type segment struct {
	start, end time.Time
	offset     time.Duration
}

func segmentAt(t time.Time) segment {
	start, end := t.ZoneBounds()
	_, seconds := t.Zone()
	return segment{start, end, time.Duration(seconds) * time.Second}
}

// offsetAt is the offset from UTC at t.
func offsetAt(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// picture is the UTC time whose digits the wall clock of the segment shows at t.
func (s segment) picture(t time.Time) time.Time { return t.UTC().Add(s.offset) }

// firstInstant is the first instant at which the wall clock of loc shows the
// digits of picture or later ones. [time.Date] does not promise which side of a
// change of the clocks it picks.
func firstInstant(picture time.Time, loc *time.Location) time.Time {
	// No offset is longer than a day, so the search begins before the answer.
	t := picture.Add(-48 * time.Hour).In(loc)
	for {
		seg := segmentAt(t)
		at := picture.Add(-seg.offset)
		if at.Before(t) {
			return t // skipped: t is the start of the segment
		}
		if seg.end.IsZero() || at.Before(seg.end) {
			return at.In(loc)
		}
		t = seg.end.In(loc)
	}
}

// overlapReach is how long after the start of a segment its wall-clock times can
// still be repeats: clocks go back a few hours at most, a day where the date
// line moved.
const overlapReach = 25 * time.Hour

// zoned lays a schedule of wall-clock times into a time zone.
type zoned struct {
	wall   Schedule // in pictures: UTC in, UTC out, whole seconds
	loc    *time.Location
	gap    GapPolicy
	repeat RepeatPolicy
	hourly bool // it means every real hour, so no policy applies
}

func (z *zoned) Next(after time.Time) time.Time {
	t := after.Round(0).In(z.loc)
	seg := segmentAt(t)
	from := seg.picture(t)
	for {
		picture := z.wall.Next(z.skipRepeat(seg, from))
		if picture.IsZero() {
			return time.Time{}
		}
		at := picture.Add(-seg.offset)
		if seg.end.IsZero() || at.Before(seg.end) {
			return at.In(z.loc)
		}
		// Not in this segment: a slot in the hole before the next one, or later.
		next := segmentAt(seg.end.In(z.loc))
		start := next.picture(seg.end)
		if picture.Before(start) && z.gap == FirstInstantAfter && !z.hourly {
			return seg.end.In(z.loc)
		}
		seg, from = next, start.Add(-1)
	}
}

// skipRepeat moves from, a picture in seg, past the wall-clock times that the
// segment before has shown already, if they are not to run again.
func (z *zoned) skipRepeat(seg segment, from time.Time) time.Time {
	if z.hourly || z.repeat == RepeatBoth || seg.start.IsZero() {
		return from
	}
	if from.Sub(seg.picture(seg.start)) > overlapReach {
		return from
	}
	before := offsetAt(seg.start.Add(-1).In(z.loc))
	if shown := seg.start.UTC().Add(before).Add(-1); shown.After(from) {
		return shown
	}
	return from
}
