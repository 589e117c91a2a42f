package hosting

import (
	"cmp"
	"slices"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Of returns the spread of one number of every round.
func (s Series) Of(number func(Sample) float64) lab.Spread {
	return lab.SpreadBy(s.Samples, number)
}

// Ratio returns how many times as much a took as b: the spread of each round of a
// divided by the neighboring one of b.
func Ratio(a, b Series, number func(Sample) float64) lab.Spread {
	n := min(len(a.Samples), len(b.Samples))
	ratios := make([]float64, n)
	for i := range n {
		ratios[i] = number(a.Samples[i]) / number(b.Samples[i])
	}
	return lab.SpreadOf(ratios)
}

// find returns the series of a contender with n services, without samples if it
// was not measured.
func find(all []Series, contender string, n int) Series {
	i := slices.IndexFunc(all, func(s Series) bool { return s.Contender == contender && s.Services == n })
	if i < 0 {
		return Series{}
	}
	return all[i]
}

// sizes are the numbers of services that were measured, ascending.
func sizes(all []Series) []int {
	var ns []int
	for _, s := range all {
		ns = append(ns, s.Services)
	}
	slices.SortFunc(ns, cmp.Compare)
	return slices.Compact(ns)
}

// What the samples are asked for.
func allocs(s Sample) float64     { return s.Allocs }
func bytes(s Sample) float64      { return s.Bytes }
func goroutines(s Sample) float64 { return s.Goroutines }
func cpuNS(s Sample) float64      { return s.CPUNS }
