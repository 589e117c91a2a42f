package hosting

import (
	"cmp"
	"slices"
)

// Spread is the middle of some rounds and how far they lie apart.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // a quarter of the rounds lies below
	High   float64 `json:"high"` // a quarter lies above
	Min    float64 `json:"min"`
}

// SpreadOf is the zero Spread for an empty sample.
func SpreadOf(sample []float64) Spread {
	if len(sample) == 0 {
		return Spread{}
	}
	s := slices.Sorted(slices.Values(sample))
	at := func(quarters int) float64 {
		// Between two neighbours the place is divided as the distance is.
		pos := float64(quarters*(len(s)-1)) / 4
		i := int(pos)
		j := min(i+1, len(s)-1)
		return s[i] + (s[j]-s[i])*(pos-float64(i))
	}
	return Spread{Median: at(2), Low: at(1), High: at(3), Min: s[0]}
}

// Of is the spread of one number of every round.
func (s Series) Of(number func(Sample) float64) Spread {
	return SpreadOf(s.each(number))
}

func (s Series) each(number func(Sample) float64) []float64 {
	all := make([]float64, len(s.Samples))
	for i, sample := range s.Samples {
		all[i] = number(sample)
	}
	return all
}

// Ratio is how many times as much a took as b: the spread of each round of a
// divided by the neighbouring one of b.
func Ratio(a, b Series, number func(Sample) float64) Spread {
	n := min(len(a.Samples), len(b.Samples))
	ratios := make([]float64, n)
	for i := range n {
		ratios[i] = number(a.Samples[i]) / number(b.Samples[i])
	}
	return SpreadOf(ratios)
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
