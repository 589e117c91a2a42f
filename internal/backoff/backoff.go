// Package backoff is exponential backoff with a cap and full jitter, which all
// retries of Stead use. AWS measured that full jitter spreads contending clients
// best: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
package backoff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Policy bounds the delays. The zero value means no delay.
type Policy struct {
	Initial time.Duration // bound of the first delay
	Max     time.Duration // cap of every bound
	Factor  float64       // growth from one bound to the next; if zero, 2

	NoJitter bool // each delay is its bound
}

// Or returns the policy with its zero durations replaced: Initial by initial, and
// Max by most, or by Initial if that is longer.
func (p Policy) Or(initial, most time.Duration) Policy {
	if p.Initial == 0 {
		p.Initial = initial
	}
	if p.Max == 0 {
		p.Max = max(most, p.Initial)
	}
	return p
}

// Validate returns an error that names the invalid field.
func (p Policy) Validate() error {
	switch {
	case p.Initial < 0:
		return fmt.Errorf("Initial is negative: %v", p.Initial)
	case p.Max < 0:
		return fmt.Errorf("Max is negative: %v", p.Max)
	case p.Max < p.Initial:
		return fmt.Errorf("Max %v is less than Initial %v", p.Max, p.Initial)
	case p.Factor != 0 && (math.IsNaN(p.Factor) || math.IsInf(p.Factor, 0) || p.Factor < 1):
		return fmt.Errorf("Factor is not a finite number of at least 1: %v", p.Factor)
	}
	return nil
}

// Bound returns the longest delay before attempt number retry, which counts from 1.
// It saturates at Max: no number and no factor make it overflow.
func (p Policy) Bound(retry int) time.Duration {
	if p.Initial <= 0 {
		return 0
	}
	factor := p.Factor
	if factor == 0 {
		factor = 2
	}
	bound := float64(p.Initial) * math.Pow(factor, float64(max(retry, 1)-1))
	if !(bound < float64(p.Max)) { // true if Pow overflowed to +Inf, too
		return p.Max
	}
	return time.Duration(bound)
}

// Delay returns a random duration from zero to Bound(retry), both inclusive, or
// Bound(retry) if there is no jitter.
func (p Policy) Delay(retry int) time.Duration {
	bound := p.Bound(retry)
	if bound <= 0 || p.NoJitter {
		return bound
	}
	if bound == math.MaxInt64 {
		return time.Duration(rand.Int64())
	}
	return time.Duration(rand.Int64N(int64(bound) + 1))
}
