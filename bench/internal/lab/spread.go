package lab

import "slices"

// Spread is the middle of some rounds and how far they lie apart.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // a quarter of the rounds lies below
	High   float64 `json:"high"` // a quarter lies above
	Min    float64 `json:"min"`
}

// SpreadOf returns the zero Spread for an empty sample.
func SpreadOf(sample []float64) Spread {
	if len(sample) == 0 {
		return Spread{}
	}
	s := slices.Sorted(slices.Values(sample))
	at := func(quarters int) float64 {
		// Between two neighbors the place is divided as the distance is.
		pos := float64(quarters*(len(s)-1)) / 4
		i := int(pos)
		j := min(i+1, len(s)-1)
		return s[i] + (s[j]-s[i])*(pos-float64(i))
	}
	return Spread{Median: at(2), Low: at(1), High: at(3), Min: s[0]}
}

// SpreadBy returns the spread of one number of every sample.
func SpreadBy[S any](samples []S, number func(S) float64) Spread {
	all := make([]float64, len(samples))
	for i, s := range samples {
		all[i] = number(s)
	}
	return SpreadOf(all)
}
