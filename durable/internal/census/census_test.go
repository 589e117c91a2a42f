package census_test

import (
	"math"
	"slices"
	"testing"

	"github.com/steadgo/stead/durable/internal/census"
)

func TestASampleIsOfAllPartsAndOnlyOfWhatThereIs(t *testing.T) {
	for _, size := range []int64{0, 1, 999, 1000, 1001, 123_456, 3_500_000, 1 << 40} {
		const first = 77
		last := first + size - 1
		ids := census.Sample(first, last)
		if len(ids) != int(min(size, 1000)) || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Fatalf("%d: %d ids", size, len(ids))
		}
		if size > 0 && (ids[0] < first || ids[len(ids)-1] > last) {
			t.Errorf("%d: from %d to %d", size, ids[0], ids[len(ids)-1])
		}
	}
}

func TestAnEstimateIsNearWhateverTheOrderOfTheRows(t *testing.T) {
	const n = 3_500_000
	for name, isOne := range map[string]func(id int64) bool{
		"nine of ten in turn":   func(id int64) bool { return id%10 != 0 },
		"every other one":       func(id int64) bool { return id%2 == 0 },
		"the first half":        func(id int64) bool { return id < n/2 },
		"in runs of a thousand": func(id int64) bool { return id/1000%2 == 0 },
	} {
		want, found := 0, 0
		for id := int64(1); id <= n; id++ {
			if isOne(id) {
				want++
			}
		}
		for _, id := range census.Sample(1, n) {
			if isOne(id) {
				found++
			}
		}
		if got := census.Estimate(1, n, found); math.Abs(float64(got-want)) > 0.1*float64(want) {
			t.Errorf("%s: %d, not %d", name, got, want)
		}
	}
	if got := census.Estimate(1, n, 0); got <= census.Exact {
		t.Errorf("none in the sample: %d", got)
	}
}
