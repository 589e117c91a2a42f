package wallclock_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/wallclock"
)

// The zones come from whatever ZONEINFO names, or the machine, or the data that is
// linked in: step zones of .ci/step runs these tests with the first and the second.

// steady walks from one instant to another and wants each segment to move on and to
// have one offset, as seen by looking every so often. It returns the segments.
func steady(t *testing.T, loc *time.Location, from, until time.Time, look time.Duration) (segments int) {
	t.Helper()
	for at := from.In(loc); at.Before(until); segments++ {
		seg := wallclock.At(at)
		end := seg.End
		if end.IsZero() {
			end = until
		}
		if !end.After(at) || seg.Start.After(at) {
			t.Fatalf("%v: the segment of %v is from %v to %v", loc, at, seg.Start, seg.End)
		}
		for in := at; in.Before(end) && in.Before(until); in = in.Add(look) {
			if wallclock.OffsetAt(in) != seg.Offset {
				t.Fatalf("%v: the segment from %v to %v has the offset %v, but %v", loc, at, end, seg.Offset, in)
			}
		}
		if segments > 100_000 {
			t.Fatalf("%v: no end, at %v", loc, at)
		}
		at = end.In(loc)
	}
	return segments
}

func TestAWalkThroughAZoneMovesForwardToTheYear2100(t *testing.T) {
	from, until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range []string{
		"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Santiago", "America/Havana",
		"America/Sao_Paulo", "Asia/Beirut", "Asia/Gaza", "Africa/Cairo", "Africa/Casablanca", "Antarctica/Troll",
		"Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham", "Pacific/Easter", "America/Godthab", "Asia/Tehran",
	} {
		loc := location(t, zone)
		// Four changes a year, and the ends of the years where Go sees each by itself.
		if n, years := steady(t, loc, from, until, 31*time.Hour), until.Year()-from.Year(); n > 7*years {
			t.Errorf("%s: %d segments in %d years", zone, n, years)
		}
		if zone == "Europe/Berlin" {
			t.Logf("ZoneBounds is wrong in these zone data from %d on", firstWrong(loc))
		}
		// Often where it went wrong: the last days of leap years.
		for year := 2028; year <= 2100; year += 4 {
			for at := time.Date(year, 12, 30, 20, 0, 0, 0, time.UTC); at.Year() == year; at = at.Add(11 * time.Minute) {
				if seg := wallclock.At(at.In(loc)); !seg.End.IsZero() && !seg.End.After(at) {
					t.Fatalf("%s: the segment of %v ends at %v", zone, at, seg.End)
				}
			}
		}
	}
}

// firstWrong is the first leap year of which ZoneBounds does not know the end on the
// last day; 0: none before 2100.
func firstWrong(loc *time.Location) int {
	for year := 2024; year < 2100; year += 4 {
		at := time.Date(year, 12, 31, 12, 0, 0, 0, time.UTC).In(loc)
		if _, end := at.ZoneBounds(); !end.IsZero() && !end.After(at) {
			return year
		}
	}
	return 0
}

// ruled is a zone that has nothing but a rule, as in the variable TZ of POSIX.
func ruled(t *testing.T, rule string) *time.Location {
	t.Helper()
	var data []byte
	for range 2 { // version 1, which is passed over, and version 2
		data = append(data, "TZif2"...)
		data = append(data, make([]byte, 15)...)
		for _, count := range []uint32{0, 0, 0, 0, 1, 4} {
			data = binary.BigEndian.AppendUint32(data, count)
		}
		data = append(data, 0, 0, 0, 0, 0, 0, 'X', 'X', 'X', 0)
	}
	loc, err := time.LoadLocationFromTZData(rule, append(data, "\n"+rule+"\n"...))
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func randomRule(r *rand.Rand) string {
	when := func() string {
		at := r.IntN(335) - 167 // hours that POSIX allows, a week either way
		if r.IntN(3) > 0 {
			at = r.IntN(25)
		}
		switch r.IntN(3) {
		case 0:
			return fmt.Sprintf("J%d/%d", 1+r.IntN(365), at)
		case 1:
			return fmt.Sprintf("%d/%d", r.IntN(366), at)
		default:
			return fmt.Sprintf("M%d.%d.%d/%d", 1+r.IntN(12), 1+r.IntN(5), r.IntN(7), at)
		}
	}
	standard := r.IntN(27) - 14
	return fmt.Sprintf("AAA%dBBB%d:%02d,%s,%s", standard, standard-1+r.IntN(3), r.IntN(4)*15, when(), when())
}

// The rule of a zone file can be anything. Whatever it is, a walk ends, and does not
// take for one segment what has several offsets.
func TestAWalkMovesForwardWhateverTheRuleOfAZone(t *testing.T) {
	rules := []string{
		"AAA5BBB,0/0,J365/25", "AAA-5BBB,0/0,J365/25", // always the second: how some files say it
		"AAA0BBB,J365/24,J1/0", "AAA3BBB,M12.5.0/167,M1.1.0/-167", "AAA-14BBB-15,365/23,J1/1",
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 80 {
		rules = append(rules, randomRule(r))
	}
	for _, rule := range rules {
		loc := ruled(t, rule)
		steady(t, loc, time.Date(2027, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2029, 3, 1, 0, 0, 0, 0, time.UTC), 30*time.Minute)
		for _, picture := range []time.Time{time.Date(2028, 12, 31, 12, 30, 0, 0, time.UTC), time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)} {
			at := wallclock.FirstInstant(picture, loc)
			shows := func(t time.Time) time.Time { return wallclock.At(t).Picture(t) }
			if shows(at).Before(picture) || !shows(at.Add(-1)).Before(picture) && wallclock.OffsetAt(at) == wallclock.OffsetAt(at.Add(-1)) {
				t.Errorf("%s: the clocks show %v first at %v, %v", rule, picture, at, shows(at))
			}
		}
	}
}
