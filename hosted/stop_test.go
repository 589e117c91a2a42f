package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestCancellingRunIsACleanStopWithTheCauseKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("a", traced(&r, "a"))
		ctx, cancel := context.WithCancelCause(t.Context())
		result := runs(ctx, h)
		synctest.Wait()
		cancel(errWhy)
		wantNil(t, <-result)
		wantIs(t, h.Lifetime().Cause(), errWhy)
		wantIs(t, h.Report().Cause, errWhy)
		r.want(t, "start a", "stop a")
	})
}

func TestAServiceStopsOnlyWhenTheOnesAfterItHaveStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		loop := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				r.addf("%s told", name)
				time.Sleep(time.Second)
				r.addf("%s ended", name)
				return ctx.Err()
			}
		}
		h.Go("a", loop("a"))
		h.Add("b", &fake{stop: func(context.Context) error {
			r.addf("b told")
			time.Sleep(time.Second)
			r.addf("b ended")
			return nil
		}})
		h.Go("c", loop("c"))
		starts(t, h)
		stops(t, h)
		r.want(t, "c told", "c ended", "b told", "b ended", "a told", "a ended")
	})
}

func TestALoopsContextLivesUntilItsTurnAndItsCauseSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		began := time.Now()
		h.Go("loop", func(ctx context.Context) error {
			<-ctx.Done()
			r.addf("loop after %v: %v", time.Since(began), context.Cause(ctx))
			return context.Cause(ctx)
		})
		h.Add("later", &fake{stop: after(3*time.Second, nil)})
		starts(t, h)
		h.Lifetime().Stop(errWhy)
		stops(t, h)
		r.want(t, "loop after 8s: "+errWhy.Error())
	})
}

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

func TestAFailingStopDoesNotKeepTheOthersFromStopping(t *testing.T) {
	for name, blow := range map[string]func(context.Context) error{
		"error":  failing(errBoom),
		"panic":  func(context.Context) error { panic(errBoom) },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			h := hosted.New(hosted.Config{})
			h.Add("a", traced(&r, "a"))
			h.Add("b", &fake{stop: blow})
			h.Add("c", traced(&r, "c"))
			starts(t, h)
			err := h.Stop(t.Context())
			r.want(t, "start a", "start c", "stop c", "stop a")
			if e := findServiceError(t, err, "b", "stop"); e != err { //nolint:errorlint // a lone error comes as it is
				t.Errorf("%v came wrapped in more", err)
			}
			if name == "goexit" {
				wantIs(t, err, lifecycle.ErrGoexit)
			} else {
				wantIs(t, err, errBoom)
			}
			wantState(t, h, "b", lifecycle.Failed)
		})
	}
}

func TestEveryFailureOfOneStopIsInTheErrorInOrder(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("s", &hooked{fake: fake{stop: failing(errBoom)}, stopping: failing(errOther), stopped: failing(errWhy)})
	starts(t, h)
	err := h.Stop(t.Context())
	wantList(t, "errors", calls(err), "stopping s", "stop s", "stopped s")
	for _, want := range []error{errBoom, errOther, errWhy} {
		wantIs(t, err, want)
	}
}

func TestErrorsOfSeveralLoopsAndStopsAreAllInTheError(t *testing.T) {
	h := hosted.New(hosted.Config{})
	fail := func(err error) func(context.Context) error {
		return func(ctx context.Context) error { <-ctx.Done(); return err }
	}
	h.Go("a", fail(errBoom))
	h.Add("b", &fake{stop: failing(errOther)})
	h.Go("c", fail(errWhy))
	starts(t, h)
	err := h.Stop(t.Context())
	wantList(t, "errors", calls(err), "run c", "stop b", "run a")
	wantState(t, h, "a", lifecycle.Failed)
}

func TestReturningTheEndOfTheContextAtTheStopIsClean(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context) error{
		"error":         func(ctx context.Context) error { return ctx.Err() },
		"cause":         context.Cause,
		"wrapped":       func(ctx context.Context) error { return fmt.Errorf("poll: %w", ctx.Err()) },
		"wrapped cause": func(ctx context.Context) error { return fmt.Errorf("poll: %w", context.Cause(ctx)) },
		"both":          func(ctx context.Context) error { return fmt.Errorf("poll: %w: %w", ctx.Err(), context.Cause(ctx)) },
	} {
		t.Run(name, func(t *testing.T) {
			log, logger := newLog()
			h := hosted.New(hosted.Config{Logger: logger})
			h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); return end(ctx) })
			starts(t, h)
			stops(t, h)
			wantState(t, h, "loop", lifecycle.Stopped)
			wantList(t, "errors in the log", log.matching("ERROR "))
		})
	}
}

func TestAnErrorJoinedWithTheEndOfTheContextIsNotLost(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", func(ctx context.Context) error {
		<-ctx.Done()
		return errors.Join(ctx.Err(), errBoom)
	})
	starts(t, h)
	err := h.Stop(t.Context())
	wantServiceError(t, err, "loop", "run")
	wantIs(t, err, errBoom)
}

func TestAPanicWithTheContextsErrorIsStillAPanic(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); panic(ctx.Err()) })
	starts(t, h)
	err := h.Stop(t.Context())
	var caught *hosted.PanicError
	if !errors.As(err, &caught) {
		t.Errorf("got error %v, want the panic", err)
	}
}

func TestALoopThatIsStoppedRightAfterItsStartEnds(t *testing.T) {
	for range 200 {
		h := hosted.New(hosted.Config{})
		var r record
		h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); r.addf("saw the end"); return nil })
		starts(t, h)
		stops(t, h)
		r.want(t, "saw the end")
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

func TestTheDrainDelayIsPartOfTheBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second, DrainDelay: 4 * time.Second})
		var had time.Duration
		h.Add("s", &fake{stop: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			had = time.Until(deadline)
			return nil
		}})
		starts(t, h)
		began := time.Now()
		stops(t, h)
		if took := time.Since(began); took != 4*time.Second || had != 6*time.Second {
			t.Errorf("took %v with %v left for the service, want 4s and 6s", took, had)
		}
	})
}

func TestADrainDelayLeavesTheServicesTimeWhenTheCallerHasLittle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 10 * time.Second})
		h.Add("s", &fake{stop: after(400*time.Millisecond, nil)})
		starts(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantNil(t, h.Stop(ctx))
	})
}

func TestServicesWorkOnDuringTheDrainDelay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		ticks := 0
		h.Go("loop", func(ctx context.Context) error {
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
					ticks++
				}
			}
			return ctx.Err()
		})
		starts(t, h)
		time.Sleep(500 * time.Millisecond)
		stops(t, h)
		if ticks != 5 {
			t.Errorf("%d ticks, want 5", ticks)
		}
	})
}

func TestALoopThatFailsDuringTheDrainDelayIsInTheError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		h.Go("loop", after(7*time.Second, errBoom))
		starts(t, h)
		time.Sleep(3 * time.Second)
		h.Lifetime().Stop(errWhy)
		wantIs(t, h.Stop(t.Context()), errBoom)
		wantIs(t, h.Lifetime().Cause(), errWhy)
	})
}

// The failure is there before the service's turn begins, however close.
func TestAServiceThatEndsWithAnErrorRightBeforeItsTurnIsInTheError(t *testing.T) {
	for range 200 {
		h := hosted.New(hosted.Config{})
		a := newEnding()
		h.Add("a", a)
		h.Add("b", &fake{stop: func(context.Context) error { a.end(errBoom); return nil }})
		starts(t, h)
		if err := h.Stop(t.Context()); !errors.Is(err, errBoom) {
			t.Fatalf("got error %v, want %v", err, errBoom)
		}
	}
}

func TestStopOfAManyServiceHostIsInExactReverse(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	var want []string
	const n = 2000
	for i := range n {
		h.Add(fmt.Sprint(i), &fake{stop: func(context.Context) error { r.addf("%d", i); return nil }})
		want = append(want, fmt.Sprint(n-1-i))
	}
	starts(t, h)
	stops(t, h)
	r.want(t, want...)
}

func TestAddAfterStartIsLoggedNotStartedAndInTheError(t *testing.T) {
	var r record
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Add("a", traced(&r, "a"))
	starts(t, h)
	h.Add("late", traced(&r, "late"))
	if len(log.matching("service=late")) != 1 {
		t.Errorf("logged %q", log.all())
	}
	err := h.Stop(t.Context())
	wantServiceError(t, err, "late", "add")
	r.want(t, "start a", "stop a")
}
