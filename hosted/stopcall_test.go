package hosted_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestStopBeforeStartTouchesNothingAndRefusesALaterStart(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	h.Add("a", tracedHooks(&r, "a"))
	wantNil(t, h.Stop(t.Context()))
	wantNil(t, h.Stop(t.Context()))
	l := h.Lifetime()
	if !closed(l.Stopping()) || !closed(l.Stopped()) || closed(l.Started()) {
		t.Error("a host that was stopped before its start is stopping and stopped and was never started")
	}
	err := h.Start(t.Context())
	wantIs(t, err, lifecycle.ErrStopRequested)
	if h.Run(t.Context()) == nil {
		t.Error("Run was not refused")
	}
	r.want(t)
}

func TestLifetimeStopBeforeStartRefusesTheStartWithItsCause(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Lifetime().Stop(errWhy)
	wantIs(t, h.Run(t.Context()), errWhy)
}

func TestStopTwiceGivesTheSameResult(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	s := traced(&r, "s")
	s.stop = func(context.Context) error { r.addf("stop s"); return errBoom }
	h.Add("s", s)
	starts(t, h)
	first := h.Stop(t.Context())
	second := h.Stop(t.Context())
	wantIs(t, first, errBoom)
	if first != second { //nolint:errorlint // the very same
		t.Errorf("got %v, then %v", first, second)
	}
	wantIs(t, h.Err(), errBoom)
	r.want(t, "start s", "stop s")
}

func TestStopFromAHundredGoroutinesStopsEachServiceOnceAndAllGetTheResult(t *testing.T) {
	for range 20 {
		var r record
		h := hosted.New(hosted.Config{})
		s := traced(&r, "s")
		s.stop = func(context.Context) error { r.addf("stop s"); runtime.Gosched(); return errBoom }
		h.Add("s", s)
		result := runs(t.Context(), h)
		<-h.Lifetime().Started()
		var wg sync.WaitGroup
		results := make([]error, 100)
		for i := range results {
			wg.Go(func() { results[i] = h.Stop(t.Context()) })
		}
		wg.Wait()
		want := <-result
		wantIs(t, want, errBoom)
		for _, err := range results {
			if err != want { //nolint:errorlint // the very same
				t.Fatalf("Run returned %v and a Stop %v", want, err)
			}
		}
		r.want(t, "start s", "stop s")
	}
}

func TestAStopFromInsideOnlyAsks(t *testing.T) {
	inside := func(r *record, h **hosted.Host) func(context.Context) error {
		return func(ctx context.Context) error {
			r.addf("%v", errors.Is((*h).Stop(ctx), hosted.ErrStopping))
			return nil
		}
	}
	for name, wire := range map[string]func(h *hosted.Host, stop func(context.Context) error){
		"loop":    func(h *hosted.Host, stop func(context.Context) error) { h.Go("s", stop) },
		"started": func(h *hosted.Host, stop func(context.Context) error) { h.Add("s", &hooked{started: stop}) },
		"start":   func(h *hosted.Host, stop func(context.Context) error) { h.Add("s", &fake{start: stop}) },
		"task":    func(h *hosted.Host, stop func(context.Context) error) { h.Task("s", stop) },
		"goroutine of a loop": func(h *hosted.Host, stop func(context.Context) error) {
			h.Go("s", func(ctx context.Context) error {
				derived, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				result := make(chan error)
				go func() { result <- stop(derived) }()
				return <-result
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var r record
				h := hosted.New(hosted.Config{})
				wire(h, inside(&r, &h))
				began := time.Now()
				_ = h.Run(t.Context())
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v", took)
				}
				r.want(t, "true")
				wantIs(t, h.Lifetime().Cause(), lifecycle.ErrStopRequested)
			})
		})
	}
}

func TestAStopFromAStopAsksTooAndChangesNothing(t *testing.T) {
	h := hosted.New(hosted.Config{})
	var got []error
	ask := func(ctx context.Context) error { got = append(got, h.Stop(ctx)); return nil }
	h.Add("s", &hooked{fake: fake{stop: ask}, stopping: ask, stopped: ask})
	starts(t, h)
	stops(t, h)
	if !slices.Equal(got, []error{hosted.ErrStopping, hosted.ErrStopping, hosted.ErrStopping}) {
		t.Errorf("got %v", got)
	}
}

func TestAServiceThatWaitsForItsOwnStopIsNamedAsAStraggler(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		var late error
		h.Go("self", func(context.Context) error { late = h.Stop(context.Background()); return nil })
		err := h.Run(t.Context())
		wantList(t, "stragglers", stragglers(err), "stop self")
		synctest.Wait()
		wantIs(t, late, err)
	})
}

func TestTheDeadlineOfTheFirstCallerBoundsTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Minute})
		var had time.Duration
		h.Add("s", &fake{stop: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			had = time.Until(deadline)
			<-ctx.Done()
			return ctx.Err()
		}})
		starts(t, h)
		first, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		result := make(chan error, 2)
		began := time.Now()
		go func() { result <- h.Stop(first) }()
		synctest.Wait()
		second, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := h.Stop(second)
		wantIs(t, err, context.DeadlineExceeded)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the second caller waited %v, want its own 2s", took)
		}
		if closed(h.Lifetime().Stopped()) {
			t.Error("the second caller's deadline ended the stop")
		}
		wantIs(t, <-result, context.DeadlineExceeded)
		if had != 10*time.Second {
			t.Errorf("the service had %v, want 10s", had)
		}
	})
}

func TestALaterCallerWithMoreTimeDoesNotExtendTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second})
		h.Add("s", &fake{stop: idle})
		starts(t, h)
		began := time.Now()
		h.Lifetime().Stop(errWhy)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		wantIs(t, h.Stop(ctx), context.DeadlineExceeded)
		if took := time.Since(began); took > 5*time.Second+50*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestACancelledCallerStopsWaitingAndTheStopGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("s", &fake{stop: after(3*time.Second, nil)})
		starts(t, h)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { time.Sleep(time.Second); cancel(errWhy) }()
		err := h.Stop(ctx)
		wantIs(t, err, context.Canceled)
		wantIs(t, err, errWhy)
		stops(t, h)
	})
}

func TestWithoutADeadlineAStopStillHasTheDefaultBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("s", &fake{stop: idle})
		starts(t, h)
		began := time.Now()
		wantIs(t, h.Stop(context.Background()), context.DeadlineExceeded)
		if took := time.Since(began); took < 25*time.Second || took > 25*time.Second+50*time.Millisecond {
			t.Errorf("took %v, want 25s", took)
		}
	})
}

func TestANegativeTimeoutIsNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: -1, DrainDelay: time.Hour})
		h.Add("s", &hooked{
			fake: fake{stop: func(ctx context.Context) error {
				if _, ok := ctx.Deadline(); ok {
					t.Error("there is a deadline")
				}
				time.Sleep(24 * time.Hour)
				return nil
			}},
			stopped: after(time.Hour, nil),
		})
		h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Hour); return nil })
		starts(t, h)
		began := time.Now()
		stops(t, h)
		if took := time.Since(began); took != 27*time.Hour {
			t.Errorf("took %v, want 27h", took)
		}
	})
}
