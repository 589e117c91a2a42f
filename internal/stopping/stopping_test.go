package stopping_test

import (
	"context"
	"errors"
	"testing"

	"github.com/steadgo/stead/internal/stopping"
)

func TestTheStopIsFoundBehindAContextThatEnds(t *testing.T) {
	stop, begin := context.WithCancelCause(context.Background())
	ctx, cancel := context.WithCancel(stopping.With(t.Context(), stop))
	defer cancel()
	later, cancelLater := context.WithCancel(stopping.Without(context.WithoutCancel(ctx)))
	defer cancelLater()
	for name, c := range map[string]struct {
		ctx  context.Context
		want context.Context
	}{
		"of no host":                          {t.Context(), nil},
		"of a host":                           {ctx, stop},
		"derived":                             {context.WithValue(ctx, "k", "v"), stop}, //nolint:revive,staticcheck // any key
		"without its end":                     {context.WithoutCancel(ctx), nil},
		"part of the stop":                    {stopping.Without(ctx), nil},
		"part of the stop, with an end later": {later, nil},
		"without twice":                       {stopping.Without(stopping.Without(ctx)), nil},
		"of another one":                      {stopping.With(stopping.Without(ctx), stop), stop},
	} {
		if got := stopping.From(c.ctx); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	cause := errors.New("licence expired")
	begin(cause)
	err := stopping.Error(stopping.From(ctx))
	if !errors.Is(err, stopping.Err) || !errors.Is(err, cause) {
		t.Error(err)
	}
	if stopping.Without(t.Context()) != t.Context() {
		t.Error("a context that has nothing to lose was wrapped")
	}
}
