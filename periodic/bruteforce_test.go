package periodic_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

// The zones come from what ZONEINFO names, or from the machine: step zones of
// .ci/step runs these tests with the data of Go and with those of the machine.

// changes are the hours in which the offset of a zone changes.
func changes(loc *time.Location, from, until time.Time) (all []time.Time) {
	_, before := from.In(loc).Zone()
	for at := from; at.Before(until); at = at.Add(time.Hour) {
		if _, offset := at.In(loc).Zone(); offset != before {
			all, before = append(all, at.Add(-time.Hour)), offset
		}
	}
	return all
}

func TestCronAgreesWithLookingAtEveryMinuteAroundEachChangeOfTheClocks(t *testing.T) {
	first, last := 2024, 2029
	if testing.Short() {
		first = 2028
	}
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			loc, n := location(t, zone), 0
			begin := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
			around := changes(loc, begin, time.Date(last, 1, 1, 0, 0, 0, 0, time.UTC))
			around = append(around, begin)
			for _, leap := range []int{2028, 2040, 2096} { // their last days are those on which ZoneBounds is wrong
				around = append(around, time.Date(leap, 12, 31, 12, 0, 0, 0, time.UTC))
			}
			for _, at := range around {
				from := at.Add(-36 * time.Hour)
				n += agree(t, loc, from, from.Add(72*time.Hour), patterns)
			}
			t.Logf("%d slots", n)
		})
	}
}

func TestCronAgreesWithLookingAtEveryMinuteOfAYear(t *testing.T) {
	for zone, year := range map[string]int{"America/Santiago": 2026, "Pacific/Apia": 2011, "Europe/Berlin": 2028} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("a year of minutes")
			}
			from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
			t.Logf("%d slots", agree(t, location(t, zone), from, from.AddDate(1, 0, 0), patterns))
		})
	}
}

func TestRandomCronAgreesWithLookingAtEveryMinuteOfARandomYear(t *testing.T) {
	draws := 8
	switch {
	case thorough:
		draws = 100
	case testing.Short():
		draws = 3
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range draws {
		loc := location(t, zones[r.IntN(len(zones))])
		from := time.Date(2026+r.IntN(74), 1, 1, 0, 0, 0, 0, time.UTC)
		drawn := randomPattern(r)
		options := []periodic.CronOption{}
		if drawn.both {
			options = append(options, periodic.AndDays())
		}
		if _, err := periodic.Cron(drawn.expr, loc, options...); err != nil {
			continue // 30 February, and the like
		}
		n := agree(t, loc, from, from.AddDate(1, 0, 0), []pattern{drawn})
		t.Logf("%d, %d slots of %q %v", from.Year(), n, drawn.expr, loc)
	}
}

// All years take minutes: STEAD_TEST_ALL_YEARS=1 go test -v -run AllYears ./periodic
func TestCronAgreesWithLookingAtEveryMinuteOfAllYears(t *testing.T) {
	if os.Getenv("STEAD_TEST_ALL_YEARS") == "" {
		t.Skip("STEAD_TEST_ALL_YEARS is not set")
	}
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			from := time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC)
			until := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
			t.Logf("%d slots", agree(t, location(t, zone), from, until, patterns))
		})
	}
}
