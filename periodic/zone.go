package periodic

import (
	"time"

	"github.com/steadgo/stead/internal/wallclock"
)

// overlapReach is how long after the start of a segment its wall-clock times can
// still be repeats. Clocks go back a few hours at most, and a day where the date
// line moved.
const overlapReach = 25 * time.Hour

// zoned is a schedule of wall-clock times in a time zone.
type zoned struct {
	wall   *wall
	text   string // the configured text, without the zone
	loc    *time.Location
	gap    GapPolicy
	repeat RepeatPolicy
	hourly bool // it is due in every real hour, so no policy applies
	// Used by String only.
	usual   RepeatPolicy
	andDays bool
}

// latestYear bounds the years that have slots. Beyond, sums of instants overflow.
const latestYear = 9999

// Next walks over the segments of the zone. Each step moves to a later segment, and
// the slot is at most cronSearchYears ahead. So Next ends whatever the zone is, and
// however many slots the policies exclude.
func (z *zoned) Next(after time.Time) time.Time {
	t := after.Round(0).In(z.loc)
	year := t.Year()
	if year < -latestYear || year > latestYear {
		return time.Time{}
	}
	seg := wallclock.At(t)
	from := z.skipRepeat(seg, seg.Picture(t))
	picture := z.wall.Next(from)
	for !picture.IsZero() && picture.Year() <= year+cronSearchYears {
		if at := picture.Add(-seg.Offset); seg.End.IsZero() || at.Before(seg.End) {
			return at.In(z.loc)
		}
		// Not in this segment: the slot is in the gap before the next one, or later.
		next := wallclock.At(seg.End.In(z.loc))
		start := next.Picture(seg.End)
		if picture.Before(start) && z.gap == FirstInstantAfter && !z.hourly {
			return seg.End.In(z.loc)
		}
		// There is no slot between from and picture, so a new search is needed only if
		// the next segment begins outside of that interval.
		if picture.Before(start) || !start.After(from) {
			from = z.skipRepeat(next, start.Add(-1))
			picture = z.wall.Next(from)
		}
		seg = next
	}
	return time.Time{}
}

// skipRepeat moves from, a picture in seg, past the wall-clock times that the
// clocks have already shown before seg, unless they are due again.
func (z *zoned) skipRepeat(seg wallclock.Segment, from time.Time) time.Time {
	if z.hourly || z.repeat == RepeatBoth || seg.Start.IsZero() || from.Sub(seg.Picture(seg.Start)) > overlapReach {
		return from
	}
	for t := seg.Start.Add(-overlapReach).In(z.loc); t.Before(seg.Start); {
		before := wallclock.At(t)
		end := seg.Start
		if !before.End.IsZero() && before.End.Before(end) {
			end = before.End
		}
		if shown := before.Picture(end).Add(-1); shown.After(from) {
			from = shown
		}
		t = end.In(z.loc)
	}
	return from
}
