package backoff_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steadgo/stead/internal/backoff"
)

func TestBoundsGrowByTheFactorUpToTheCap(t *testing.T) {
	p := backoff.Policy{Initial: 100 * time.Millisecond, Max: time.Second, Factor: 3}
	for i, want := range []time.Duration{100, 300, 900, 1000, 1000} {
		if got := p.Bound(i + 1); got != want*time.Millisecond {
			t.Errorf("Bound(%d) = %v, want %v", i+1, got, want*time.Millisecond)
		}
	}
	if got := (backoff.Policy{Initial: time.Second, Max: time.Hour}).Bound(3); got != 4*time.Second {
		t.Errorf("a Factor of 0 does not double: %v", got)
	}
}

func TestDelayStaysWithinTheCapForAnyRetryAndFactor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := backoff.Policy{
			Initial: time.Duration(rapid.Int64Min(0).Draw(t, "initial")),
			Factor:  rapid.Float64Range(1, 1e300).Draw(t, "factor"),
		}
		p.Max = time.Duration(rapid.Int64Range(int64(p.Initial), math.MaxInt64).Draw(t, "max"))
		if err := p.Validate(); err != nil {
			t.Fatalf("refused: %v", err)
		}
		retry := rapid.IntRange(-5, math.MaxInt).Draw(t, "retry")
		if d := p.Delay(retry); d < 0 || d > p.Max || d > p.Bound(retry) {
			t.Fatalf("Delay(%d) = %v of %+v", retry, d, p)
		}
	})
}

func TestValidateRefusesWhatMakesNoSense(t *testing.T) {
	for name, p := range map[string]backoff.Policy{
		"negative initial":  {Initial: -1, Max: 1},
		"negative max":      {Max: -1},
		"max below initial": {Initial: 2, Max: 1},
		"factor below one":  {Max: 1, Factor: 0.5},
		"factor NaN":        {Max: 1, Factor: math.NaN()},
		"factor infinite":   {Max: 1, Factor: math.Inf(1)},
	} {
		if err := p.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (backoff.Policy{}).Validate(); err != nil {
		t.Errorf("the zero policy: %v", err)
	}
}
