package bench_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/bench"
)

// fixed is an entry whose rounds give these numbers, one after the other.
func fixed(name string, numbers ...float64) bench.Entry {
	i := -1
	return bench.Entry{Contender: name, Run: func(time.Duration) []float64 {
		i++
		return []float64{numbers[i%len(numbers)]}
	}}
}

func TestARatioComparesNeighbouringRounds(t *testing.T) {
	a := bench.Result{Rounds: []float64{1, 20, 3}}
	b := bench.Result{Rounds: []float64{2, 40, 6}}
	if r := bench.Ratio(a, b); r != (bench.Summary{Median: 0.5, Low: 0.5, High: 0.5}) {
		t.Errorf("ratio %+v, want 0.5 throughout", r)
	}
}

func TestQuantiles(t *testing.T) {
	numbers := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1: 5} {
		if got := bench.Quantile(numbers, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := bench.Quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of nothing is %v", got)
	}
}

func TestTheWarmUpRoundDoesNotCount(t *testing.T) {
	c := bench.Case{Name: "c", Columns: []string{"n"}, Entries: []bench.Entry{fixed("x", 100, 1, 2, 3)}}
	turns := 0
	results := c.Compare(3, time.Millisecond, func() { turns++ })
	if len(results) != 1 || !slices.Equal(results[0].Rounds, []float64{1, 2, 3}) {
		t.Errorf("results %+v, want rounds 1 2 3", results)
	}
	if turns != c.Turns(3) {
		t.Errorf("%d turns, want %d", turns, c.Turns(3))
	}
}

func TestAMissedTargetIsNamed(t *testing.T) {
	c := bench.Case{
		Name:    "some/case",
		Columns: []string{"n"},
		Entries: []bench.Entry{fixed(bench.Reference, 10), fixed(bench.Subject, 7)},
		Targets: []bench.Target{
			{Against: bench.Reference, Max: 0.8}, // met
			{Against: bench.Reference, Max: 0.6},
			{Max: 8}, // met
			{Max: 5},
		},
	}
	missed := c.Missed(c.Compare(3, time.Millisecond, func() {}))
	if len(missed) != 2 || !strings.Contains(missed[0], "some/case: n is 0.70 of channel, target 0.60") ||
		!strings.Contains(missed[1], "some/case: n is 7, target 5") {
		t.Errorf("missed %q, want the second and the last target", missed)
	}
}

func TestEveryQueueMovesItems(t *testing.T) {
	for _, c := range bench.Queues[[1]uint64]() {
		for _, batch := range []int{1, 64} {
			if took := bench.Move(c, bench.Cast{Producers: 3, Consumers: 2}, 64, 1000, batch); took <= 0 {
				t.Errorf("%s took %v", c.Name, took)
			}
		}
	}
}

func TestEveryPoolRunsAllTasks(t *testing.T) {
	for _, p := range bench.Pools() {
		var ran atomic.Int64
		bench.RunTasks(p, 3, 2, 1000, func() { ran.Add(1) })
		if ran.Load() != 1000 {
			t.Errorf("%s ran %d tasks of 1000", p.Name, ran.Load())
		}
	}
}

func TestNamesOfCasesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range bench.Cases(true) {
		if seen[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		seen[c.Name] = true
	}
}
