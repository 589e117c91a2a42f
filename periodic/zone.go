package periodic

import (
	"time"

	"github.com/steadgo/stead/internal/wallclock"
)

// overlapReach is how long after the start of a segment its wall-clock times can
// still be repeats: clocks go back a few hours at most, a day where the date
// line moved.
const overlapReach = 25 * time.Hour

// zoned lays a schedule of wall-clock times into a time zone.
type zoned struct {
	wall   Schedule // in pictures: UTC in, UTC out, whole seconds
	text   string   // what it was made of, without the zone
	loc    *time.Location
	gap    GapPolicy
	repeat RepeatPolicy
	hourly bool // it means every real hour, so no policy applies
}

func (z *zoned) Next(after time.Time) time.Time {
	t := after.Round(0).In(z.loc)
	seg := wallclock.At(t)
	from := seg.Picture(t)
	for {
		picture := z.wall.Next(z.skipRepeat(seg, from))
		if picture.IsZero() {
			return time.Time{}
		}
		at := picture.Add(-seg.Offset)
		if seg.End.IsZero() || at.Before(seg.End) {
			return at.In(z.loc)
		}
		// Not in this segment: a slot in the hole before the next one, or later.
		next := wallclock.At(seg.End.In(z.loc))
		start := next.Picture(seg.End)
		if picture.Before(start) && z.gap == FirstInstantAfter && !z.hourly {
			return seg.End.In(z.loc)
		}
		seg, from = next, start.Add(-1)
	}
}

// skipRepeat moves from, a picture in seg, past the wall-clock times that the
// segment before has shown already, if they are not to run again.
func (z *zoned) skipRepeat(seg wallclock.Segment, from time.Time) time.Time {
	if z.hourly || z.repeat == RepeatBoth || seg.Start.IsZero() {
		return from
	}
	if from.Sub(seg.Picture(seg.Start)) > overlapReach {
		return from
	}
	before := wallclock.OffsetAt(seg.Start.Add(-1).In(z.loc))
	if shown := seg.Start.UTC().Add(before).Add(-1); shown.After(from) {
		return shown
	}
	return from
}
