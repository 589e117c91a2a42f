package hosted_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// nilPointerError is the error that a function returns by mistake when it returns a
// nil pointer of its own type.
type nilPointerError struct{ cause error }

func (e *nilPointerError) Error() string { return e.cause.Error() }
func (e *nilPointerError) Unwrap() error { return e.cause }

// textlessError is the same of an error that wraps nothing.
type textlessError struct{ text string }

func (e *textlessError) Error() string { return e.text }

func TestAFailedLoopStopsTheHostAndIsItsError(t *testing.T) {
	for name, blow := range map[string]func(context.Context) error{
		"error":             failing(errBoom),
		"panic":             func(context.Context) error { panic(errBoom) },
		"goexit":            func(context.Context) error { runtime.Goexit(); return nil },
		"foreign cancel":    failing(context.Canceled),
		"foreign deadline":  failing(context.DeadlineExceeded),
		"nil panic":         func(context.Context) error { panic(nil) },
		"odd panic":         func(context.Context) error { panic(struct{ f []int }{}) },
		"nil pointer":       func(context.Context) error { return (*nilPointerError)(nil) },
		"nil without text":  func(context.Context) error { return (*textlessError)(nil) },
		"nil pointer panic": func(context.Context) error { panic((*nilPointerError)(nil)) },
		"goroutine's Fatal": func(context.Context) error { (&testing.T{}).SkipNow(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			log, logger := newLog()
			h := hosted.New(hosted.Config{Logger: logger})
			h.Add("other", traced(&r, "other"))
			h.Go("loop", blow)
			err := h.Run(t.Context())
			wantServiceError(t, err, "loop", "run")
			wantList(t, "errors", calls(err), "run loop")
			r.want(t, "start other", "stop other")
			wantState(t, h, "loop", lifecycle.Failed)
			if h.Stop(t.Context()) == nil {
				t.Error("a later Stop does not return the error")
			}
			if text, fault := json.Marshal(h.Report()); fault != nil || err.Error() == "" {
				t.Errorf("%v, report %s: %v", err, text, fault)
			}
			if n := len(log.matching("ERROR service failed")); n != 1 {
				t.Errorf("logged %d times: %q", n, log.all())
			}
			if cause := h.Lifetime().Cause(); cause == nil || !errors.Is(err, cause) {
				t.Errorf("the cause of the stop is %v, want the failure", cause)
			}
		})
	}
}

func TestAPanicIsLoggedAndReturnedWithItsStack(t *testing.T) {
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Go("loop", func(context.Context) error { explode(); return nil })
	err := h.Run(t.Context())
	var caught *hosted.PanicError
	if !errors.As(err, &caught) {
		t.Fatalf("got error %v, want a panic", err)
	}
	wantIs(t, err, io.ErrUnexpectedEOF)
	wantText(t, string(caught.Stack), "hosted_test.explode")
	wantText(t, fmt.Sprint(log.matching("service failed")), "stack=", "explode")
	if n := status(t, h, "loop").Panics; n != 1 {
		t.Errorf("%d panics counted, want 1", n)
	}
}

func explode() { panic(io.ErrUnexpectedEOF) }

func TestTheFirstFailureIsTheCauseAndComesFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("victim", func(ctx context.Context) error {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), errBoom) {
				t.Errorf("the cause is %v", context.Cause(ctx))
			}
			return errOther
		})
		h.Go("culprit", after(time.Second, errBoom))
		h.Go("victim too", func(ctx context.Context) error { <-ctx.Done(); return errWhy })
		err := h.Run(t.Context())
		wantList(t, "errors", calls(err), "run culprit", "run victim too", "run victim")
	})
}

func TestALoopThatReturnsNilIsCompletedAndTheHostGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Go("short", after(time.Second, nil))
		h.Go("long", idle)
		starts(t, h)
		pass(time.Hour)
		wantState(t, h, "short", lifecycle.Completed)
		wantState(t, h, "long", lifecycle.Running)
		stops(t, h)
		wantState(t, h, "short", lifecycle.Completed)
		wantState(t, h, "long", lifecycle.Stopped)
		if len(log.matching("INFO service completed")) != 1 {
			t.Errorf("logged %q", log.all())
		}
	})
}

func TestIgnoreGoesOnWithoutTheLoopAndWithoutAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Go("optional", after(time.Second, errBoom), hosted.OnFailure(hosted.Ignore()))
		h.Go("other", idle)
		starts(t, h)
		pass(time.Hour)
		wantState(t, h, "optional", lifecycle.Failed)
		wantIs(t, status(t, h, "optional").Err, errBoom)
		wantState(t, h, "other", lifecycle.Running)
		stops(t, h)
		if n := len(log.matching("ERROR ")); n != 1 {
			t.Errorf("logged %d errors: %q", n, log.all())
		}
		if r := h.Report(); r.Err != nil || !errors.Is(r.Services[1].Err, errBoom) {
			t.Errorf("the report is\n%v", r)
		}
	})
}

func TestEachServiceHasItsOwnPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("optional", after(time.Second, errOther), hosted.OnFailure(hosted.Ignore()))
		h.Go("vital", after(2*time.Second, errBoom))
		began := time.Now()
		err := h.Run(t.Context())
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("ran %v, want 2s", took)
		}
		wantList(t, "errors", calls(err), "run vital")
		wantNot(t, err, errOther)
	})
}

func TestAPolicyDoesNotApplyToTheStart(t *testing.T) {
	for name, p := range map[string]hosted.Policy{"ignore": hosted.Ignore(), "restart": hosted.Restart(hosted.RestartConfig{})} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			h.Go("loop", failing(errBoom), hosted.WaitReady(), hosted.OnFailure(p))
			err := h.Start(t.Context())
			wantServiceError(t, err, "loop", "start")
			wantIs(t, err, errBoom)
		})
	}
}

func TestRestartBacksOffLongerEachTimeAndThenEscalates(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		var runs []time.Time
		h.Go("flaky", func(context.Context) error { runs = append(runs, time.Now()); return errBoom },
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Max: 4 * time.Second, Limit: 5, Per: time.Hour})))
		err := h.Run(t.Context())
		e := findServiceError(t, err, "flaky", "run")
		wantIs(t, e, errBoom)
		wantText(t, e.Error(), "5 restarts")
		if len(runs) != 6 {
			t.Fatalf("ran %d times, want 1 and 5 restarts", len(runs))
		}
		for i, bound := range []time.Duration{1, 2, 4, 4, 4} {
			bound *= time.Second
			if wait := runs[i+1].Sub(runs[i]); wait < bound/2 || wait > bound {
				t.Errorf("restart %d after %v, want between half of and %v", i+1, wait, bound)
			}
		}
		if n := len(log.matching("WARN service restarting")); n != 5 {
			t.Errorf("%d restarts logged, want 5", n)
		}
		if s := status(t, h, "flaky"); s.Restarts != 5 || s.State != lifecycle.Failed {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestFailuresThatAreSpreadOutNeverEscalate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		n := 0
		h.Go("flaky", func(context.Context) error {
			n++
			if n > 100 {
				return nil
			}
			time.Sleep(31 * time.Second)
			return errBoom
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Limit: 2, Per: time.Minute})))
		starts(t, h)
		pass(3 * time.Hour)
		wantState(t, h, "flaky", lifecycle.Completed)
		if got := status(t, h, "flaky").Restarts; got != 100 {
			t.Errorf("%d restarts, want 100", got)
		}
		stops(t, h)
	})
}

func TestTheBackoffStartsAfreshAfterALongRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		var ended, began []time.Time
		h.Go("flaky", func(context.Context) error {
			began = append(began, time.Now())
			switch len(began) {
			case 5:
				time.Sleep(2 * time.Minute)
			case 7:
				return nil
			}
			ended = append(ended, time.Now())
			return errBoom
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Max: time.Minute, Limit: -1, Per: time.Minute})))
		starts(t, h)
		pass(time.Hour)
		if len(began) != 7 {
			t.Fatalf("ran %d times", len(began))
		}
		if wait := began[4].Sub(ended[3]); wait < 4*time.Second {
			t.Errorf("the fourth backoff was %v, want at least 4s", wait)
		}
		if wait := began[5].Sub(ended[4]); wait > time.Second {
			t.Errorf("the backoff after a long run was %v, want at most 1s", wait)
		}
		stops(t, h)
	})
}

func TestANegativeLimitRestartsForEverAndTheBackoffStaysBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		var last time.Time
		var longest time.Duration
		h.Go("flaky", func(context.Context) error {
			if !last.IsZero() {
				longest = max(longest, time.Since(last))
			}
			last = time.Now()
			return errBoom
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: -1})))
		starts(t, h)
		pass(48 * time.Hour)
		wantState(t, h, "flaky", lifecycle.Restarting)
		if n := status(t, h, "flaky").Restarts; n < 48*60*2 {
			t.Errorf("only %d restarts in two days", n)
		}
		if longest > 30*time.Second {
			t.Errorf("waited %v, want at most 30s", longest)
		}
		stops(t, h)
	})
}

func TestAStopDuringABackoffEndsItAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("flaky", failing(errBoom), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Hour, Max: time.Hour})))
		starts(t, h)
		synctest.Wait()
		wantState(t, h, "flaky", lifecycle.Restarting)
		began := time.Now()
		stops(t, h)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		wantState(t, h, "flaky", lifecycle.Stopped)
	})
}

func TestAPanicIsRestartedLikeAnError(t *testing.T) {
	for name, blow := range map[string]func(){"panic": func() { panic("ouch") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{})
				n := 0
				h.Go("flaky", func(ctx context.Context) error {
					if n++; n < 3 {
						blow()
					}
					return idle(ctx)
				}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
				starts(t, h)
				time.Sleep(time.Minute)
				wantState(t, h, "flaky", lifecycle.Running)
				if s := status(t, h, "flaky"); s.Restarts != 2 || s.Panics != 2 {
					t.Errorf("%d restarts and %d panics, want 2 and 2", s.Restarts, s.Panics)
				}
				stops(t, h)
			})
		})
	}
}

func TestAFlappingServiceDoesNotDelayItsSiblings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		policy := func(d time.Duration) hosted.Option {
			return hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: d, Max: d, Limit: -1}))
		}
		h.Go("flapping", failing(errBoom), policy(time.Hour))
		n := 0
		h.Go("sibling", func(ctx context.Context) error {
			if n++; n == 1 {
				time.Sleep(time.Minute)
				return errBoom
			}
			return idle(ctx)
		}, policy(time.Second))
		starts(t, h)
		pass(time.Minute + time.Second + time.Millisecond)
		synctest.Wait()
		wantState(t, h, "sibling", lifecycle.Running)
		wantState(t, h, "flapping", lifecycle.Restarting)
		stops(t, h)
	})
}

func TestAServiceThatEndsByItselfFollowsItsPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		var r record
		fails, ends, optional := newEnding(), newEnding(), newEnding()
		for _, e := range []*ending{fails, ends, optional} {
			e.stop = func(context.Context) error { r.addf("stop"); return nil }
		}
		h.Add("fails", fails)
		h.Add("ends", ends)
		h.Add("optional", optional, hosted.OnFailure(hosted.Ignore()))
		result := runs(t.Context(), h)
		synctest.Wait()
		ends.end(nil)
		optional.end(errOther)
		synctest.Wait()
		wantState(t, h, "ends", lifecycle.Completed)
		wantState(t, h, "optional", lifecycle.Failed)
		if closed(h.Lifetime().Stopping()) {
			t.Fatal("the host stops")
		}
		fails.end(errBoom)
		err := <-result
		wantList(t, "errors", calls(err), "run fails")
		r.want(t, "stop", "stop", "stop")
		wantState(t, h, "ends", lifecycle.Completed)
	})
}

func TestAFailureThatStopReturnsAgainIsCountedOnce(t *testing.T) {
	for name, policy := range map[string]hosted.Policy{"stop host": hosted.StopHost(), "ignore": hosted.Ignore()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{})
				e := newEnding()
				e.stop = func(context.Context) error { return e.err }
				h.Add("s", e, hosted.OnFailure(policy))
				starts(t, h)
				e.end(errBoom)
				synctest.Wait()
				err := h.Stop(t.Context())
				if name == "ignore" {
					wantNil(t, err)
				} else {
					wantList(t, "errors", calls(err), "run s")
				}
			})
		})
	}
}

func TestExitWhenDoneEndsWithTheLastLoop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		h.Add("plain", traced(&r, "plain"))
		h.Go("a", after(time.Second, nil))
		h.Go("b", after(3*time.Second, nil))
		h.Go("ignored", after(2*time.Second, errBoom), hosted.OnFailure(hosted.Ignore()))
		began := time.Now()
		wantNil(t, h.Run(t.Context()))
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3s", took)
		}
		r.want(t, "start plain", "stop plain")
	})
}

func TestExitWhenDoneHoldsWhenEveryLoopCompletesDuringTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		h.Go("quick", failing(nil))
		h.Go("quick too", failing(nil), hosted.WaitReady())
		h.Task("slow", after(time.Minute, nil))
		wantNil(t, h.Run(t.Context()))
		if !closed(h.Lifetime().Started()) {
			t.Error("the host never started")
		}
	})
}

func TestExitWhenDoneWaitsForALoopThatRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		n := 0
		h.Go("flaky", func(context.Context) error {
			if n++; n < 3 {
				return errBoom
			}
			return nil
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		wantNil(t, h.Run(t.Context()))
		if n != 3 {
			t.Errorf("ran %d times, want 3", n)
		}
	})
}

// instance is what a Fresh factory of the tests makes.
type instance struct {
	*ending
	starts, stops atomic.Int32
}

func (i *instance) Start(ctx context.Context) error { i.starts.Add(1); return i.ending.Start(ctx) }
func (i *instance) Stop(ctx context.Context) error  { i.stops.Add(1); return i.ending.Stop(ctx) }

func newInstance() *instance { return &instance{ending: newEnding()} }

func TestFreshMakesANewInstanceForEveryRestartAndStopsTheOld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var made []*instance
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			for _, old := range made {
				if old.stops.Load() != 1 {
					t.Error("a new instance was made before the old one was stopped")
				}
			}
			made = append(made, newInstance())
			return made[len(made)-1], nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		starts(t, h)
		for i := range 3 {
			made[i].end(errBoom)
			synctest.Wait()
			wantState(t, h, "s", lifecycle.Restarting)
			pass(20 * time.Second)
			wantState(t, h, "s", lifecycle.Running)
		}
		stops(t, h)
		if len(made) != 4 {
			t.Fatalf("made %d instances, want 4", len(made))
		}
		for i, s := range made {
			if s.starts.Load() != 1 || s.stops.Load() != 1 {
				t.Errorf("instance %d: %d starts and %d stops, want one of each", i, s.starts.Load(), s.stops.Load())
			}
		}
	})
}

func TestAnInstanceWhoseStartFailedIsNotStoppedAndTheOldOneNotTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var made []*instance
		calls := 0
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			calls++
			if calls == 2 {
				return nil, errOther
			}
			s := newInstance()
			if calls == 3 {
				s.start = failing(errBoom)
			}
			made = append(made, s)
			return s, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: 10})))
		starts(t, h)
		made[0].end(errBoom)
		pass(time.Minute)
		wantState(t, h, "s", lifecycle.Running)
		stops(t, h)
		var got []int32
		for _, s := range made {
			got = append(got, s.stops.Load())
		}
		if fmt.Sprint(got) != "[1 0 1]" {
			t.Errorf("stops of the instances: %v, want 1, 0 for the one that never came up, 1", got)
		}
		if n := status(t, h, "s").Restarts; n != 3 {
			t.Errorf("%d restarts, want 3: a start that fails counts", n)
		}
	})
}

func TestARestartThatKeepsFailingToStartEscalates(t *testing.T) {
	bubble(t, func(t *testing.T) {
		first := newInstance()
		n := 0
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			if n++; n == 1 {
				return first, nil
			}
			return nil, errOther
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: 3})))
		result := runs(t.Context(), h)
		synctest.Wait()
		first.end(errBoom)
		err := <-result
		wantServiceError(t, err, "s", "run")
		wantIs(t, err, errOther)
		if n != 4 {
			t.Errorf("the factory was called %d times, want 4", n)
		}
	})
}

func TestAFactoryThatReturnsNothingOrPanicsFailsTheStart(t *testing.T) {
	for name, factory := range map[string]func() (hosted.Service, error){
		"nil":       func() (hosted.Service, error) { return nil, nil },
		"typed nil": func() (hosted.Service, error) { return (*fake)(nil), nil },
		"error":     func() (hosted.Service, error) { return nil, errBoom },
		"panic":     func() (hosted.Service, error) { panic("ouch") },
	} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			h.Add("s", hosted.Fresh(factory))
			wantServiceError(t, h.Start(t.Context()), "s", "start")
		})
	}
}

func TestAFreshLoopRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			n++
			first := n == 1
			return hosted.Loop(func(ctx context.Context) error {
				if first {
					return errBoom
				}
				return idle(ctx)
			}), nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		starts(t, h)
		pass(time.Minute)
		wantState(t, h, "s", lifecycle.Running)
		stops(t, h)
	})
}

func TestAnOldInstanceThatDoesNotStopIsNotDoubledButEscalates(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			n++
			s := newInstance()
			s.stop = stuck(t)
			s.end(errBoom)
			return s, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		err := h.Run(t.Context())
		wantServiceError(t, err, "s", "run")
		wantText(t, err.Error(), "did not stop")
		if n != 1 {
			t.Errorf("made %d instances, want 1", n)
		}
	})
}

func TestTheErrorOfStoppingAnOldInstanceIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		n := 0
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			s := newInstance()
			if n++; n < 3 {
				s.end(errBoom)
				s.stop = failing([]error{errOther, errBoom}[n-1]) // the second says the same again
			}
			return s, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		starts(t, h)
		pass(time.Minute)
		wantState(t, h, "s", lifecycle.Running)
		stops(t, h)
		if lines := log.matching("WARN failed instance did not stop cleanly"); len(lines) != 1 {
			t.Errorf("logged %q, want one line", lines)
		}
	})
}

func TestAStopDuringARestartIsPrompt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		h := hosted.New(hosted.Config{})
		first := newInstance()
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			if n++; n == 1 {
				return first, nil
			}
			s := newInstance()
			s.start = idle
			return s, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		starts(t, h)
		first.end(errBoom)
		pass(time.Minute) // the second instance is starting, for ever
		began := time.Now()
		stops(t, h)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// moody panics in the methods that only tell something.
type moody struct {
	fake
	done, err, leftOver bool
}

func (m *moody) Done() <-chan struct{} {
	if m.done {
		panic(errBoom)
	}
	ch := make(chan struct{})
	if m.err {
		close(ch)
	}
	return ch
}

func (m *moody) Err() error { panic(errBoom) }

func (m *moody) LeftOver() int {
	if m.leftOver {
		panic(errBoom)
	}
	return 0
}

func TestAPanicInAnOptionalMethodDoesNotTakeTheProcessDown(t *testing.T) {
	for name, m := range map[string]*moody{"Done": {done: true}, "Err": {err: true}} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			h.Add("moody", m)
			err := h.Run(t.Context())
			wantServiceError(t, err, "moody", "run")
			wantIs(t, err, errBoom)
		})
	}
	t.Run("LeftOver", func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("moody", &moody{leftOver: true})
		starts(t, h)
		stops(t, h)
	})
}
