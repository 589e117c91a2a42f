package hosted_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// nest returns an inner host that is a service of an outer one.
func nest(outer, inner hosted.Config) (*hosted.Host, *hosted.Host) {
	o, i := hosted.New(outer), hosted.New(inner)
	o.Add("inner", i)
	return o, i
}

func TestTheErrorOfANestedHostNamesThePackageOnceALine(t *testing.T) {
	inner := hosted.New(hosted.Config{Name: "inner"})
	inner.Task("deep", func(context.Context) error { return errBoom })
	outer := hosted.New(hosted.Config{})
	outer.Add("inner", inner)
	err := outer.Start(t.Context())
	if want := `stead/hosted: start "inner": start "deep": boom`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestANestedHostStartsAndStopsInItsTurn(t *testing.T) {
	var r record
	inner := hosted.New(hosted.Config{})
	outer := hosted.New(hosted.Config{})
	outer.Add("a", traced(&r, "a"))
	outer.Add("inner", inner)
	outer.Add("b", traced(&r, "b"))
	inner.Add("x", traced(&r, "x"))
	inner.Add("y", traced(&r, "y"))
	starts(t, outer)
	stops(t, outer)
	r.want(t, "start a", "start x", "start y", "start b", "stop b", "stop y", "stop x", "stop a")
	if !closed(inner.Lifetime().Stopped()) {
		t.Error("the inner host has not stopped")
	}
}

func TestStragglersOfANestedHostAreNamedWithinTheOuterBudget(t *testing.T) {
	for _, budget := range []time.Duration{10 * time.Second, time.Second, 200 * time.Millisecond} {
		bubble(t, func(t *testing.T) {
			var r record
			outer, middle := nest(hosted.Config{ShutdownTimeout: budget}, hosted.Config{})
			inner := hosted.New(hosted.Config{ShutdownTimeout: -1})
			middle.Add("inner", inner)
			inner.Add("fine", traced(&r, "fine"))
			inner.Go("stuck", func(context.Context) error { holdIndex(t); return nil })
			middle.Add("stuck too", &fake{stop: stuck(t)})
			starts(t, outer)
			began := time.Now()
			err := outer.Stop(context.Background())
			within(t, began, budget)
			wantList(t, "stragglers", stragglers(err), "stop inner/stuck too", "stop inner/inner/stuck")
			wantIs(t, err, context.DeadlineExceeded)
			if r.count("stop fine") != 1 {
				t.Error("a service behind the stuck one was not stopped")
			}
			report := outer.Report()
			if len(report.Stragglers) != 2 {
				t.Fatalf("the report has %d stragglers, want 2", len(report.Stragglers))
			}
			wantText(t, report.Stragglers[1].Stacks, "holdIndex")
		})
	}
}

func TestTheFailureOfANestedServiceStopsBothHostsAndIsReportedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		outer, inner := nest(hosted.Config{}, hosted.Config{})
		outer.Add("a", traced(&r, "a"))
		inner.Go("loop", after(time.Second, errBoom))
		err := outer.Run(t.Context())
		wantList(t, "errors", calls(err), "run inner", "run loop")
		wantIs(t, err, errBoom)
		r.want(t, "start a", "stop a")
	})
}

func TestANestedHostThatIsIgnoredDoesNotTouchTheOuter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer, inner := hosted.New(hosted.Config{}), hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		outer.Add("inner", inner, hosted.OnFailure(hosted.Ignore()))
		inner.Go("fails", after(time.Second, errBoom))
		inner.Go("stuck", stuck(t))
		starts(t, outer)
		pass(time.Minute)
		wantState(t, outer, "inner", lifecycle.Failed)
		stops(t, outer)
		if n := len(outer.Report().Stragglers); n != 0 {
			t.Errorf("%d stragglers of a host that was ignored", n)
		}
	})
}

func TestANestedHostThatIsToldToStopIsCompleted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer, inner := nest(hosted.Config{}, hosted.Config{})
		inner.Go("loop", idle)
		starts(t, outer)
		inner.Lifetime().Stop(nil)
		synctest.Wait()
		wantState(t, outer, "inner", lifecycle.Completed)
		stops(t, outer)
	})
}

func TestANestedHostThatFailsToStartFailsTheOuterStart(t *testing.T) {
	var r record
	outer, inner := nest(hosted.Config{}, hosted.Config{})
	inner.Add("up", traced(&r, "up"))
	inner.Task("fails", failing(errBoom))
	err := outer.Start(t.Context())
	wantList(t, "errors", calls(err), "start inner", "start fails")
	wantIs(t, err, errBoom)
	r.want(t, "start up", "stop up")
}

func TestANestedHostCanBeRestartedFresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer := hosted.New(hosted.Config{})
		n := 0
		outer.Add("inner", hosted.Fresh(func() (hosted.Service, error) {
			inner := hosted.New(hosted.Config{})
			n++
			first := n == 1
			inner.Go("loop", func(ctx context.Context) error {
				if first {
					time.Sleep(time.Second)
					return errBoom
				}
				return idle(ctx)
			})
			return inner, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		starts(t, outer)
		pass(time.Minute)
		wantState(t, outer, "inner", lifecycle.Running)
		if n != 2 {
			t.Errorf("made %d, want 2", n)
		}
		stops(t, outer)
	})
}

func TestAServiceOfANestedHostCanAskBothToStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer, inner := nest(hosted.Config{}, hosted.Config{})
		got := make(chan error, 2)
		inner.Go("loop", func(ctx context.Context) error {
			<-outer.Lifetime().Started()
			got <- outer.Stop(ctx)
			got <- inner.Stop(ctx)
			return idle(ctx)
		})
		wantNil(t, outer.Run(t.Context()))
		wantIs(t, <-got, hosted.ErrStopping)
		wantIs(t, <-got, hosted.ErrStopping)
	})
}

func TestANestedLoopHasTheReasonOfTheOuterStopOrItsOwnHostsRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer, inner := nest(hosted.Config{}, hosted.Config{})
		var cause error
		inner.Go("loop", func(ctx context.Context) error { <-ctx.Done(); cause = context.Cause(ctx); return cause })
		starts(t, outer)
		stops(t, outer)
		wantIs(t, cause, lifecycle.ErrStopRequested)
	})
}

func TestGoroutinesOfANestedHostAreItsOwn(t *testing.T) {
	outer, inner := nest(hosted.Config{}, hosted.Config{})
	up := func(ctx context.Context) error { hosted.Ready(ctx); return idle(ctx) }
	inner.Go("loop", up, hosted.WaitReady())
	outer.Go("outer loop", up, hosted.WaitReady())
	starts(t, outer)
	if got := inner.Goroutines(); got["loop"] != 1 || len(got) != 1 {
		t.Errorf("inner: %v", got)
	}
	if got := outer.Goroutines(); got["outer loop"] != 1 || got["loop"] != 0 {
		t.Errorf("outer: %v", got)
	}
	stops(t, outer)
}
