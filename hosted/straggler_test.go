package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// within fails unless the time since began is at most budget and 50 ms.
func within(t testing.TB, began time.Time, budget time.Duration) {
	t.Helper()
	if took := time.Since(began); took > budget+50*time.Millisecond {
		t.Errorf("took %v, want at most %v and 50ms", took, budget)
	}
}

func TestWhateverIgnoresItsContextAtTheStopIsNamedAndLeftBehind(t *testing.T) {
	cases := map[string]func(h *hosted.Host, stuck func(context.Context) error){
		"stop":     func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &fake{stop: stuck}) },
		"stopping": func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &hooked{stopping: stuck}) },
		"stopped":  func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &hooked{stopped: stuck}) },
		"loop":     func(h *hosted.Host, stuck func(context.Context) error) { h.Go("s", stuck) },
	}
	for op, add := range cases {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", op, concurrency), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					var r record
					h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second, StartConcurrency: concurrency})
					h.Add("before", traced(&r, "before"))
					add(h, stuck(t))
					h.Add("behind", traced(&r, "behind"))
					starts(t, h)
					began := time.Now()
					err := h.Stop(context.Background())
					within(t, began, 10*time.Second)
					want := op
					if op == "loop" {
						want = "stop"
					}
					wantList(t, "stragglers", stragglers(err), want+" s")
					wantIs(t, err, context.DeadlineExceeded)
					wantText(t, err.Error(), `"s"`, want)
					if r.count("stop before") != 1 || r.count("stop behind") != 1 {
						t.Errorf("the others were not stopped: %v", r.all())
					}
					wantState(t, h, "s", lifecycle.Failed)
					if !closed(h.Lifetime().Stopped()) {
						t.Error("Stopped is open")
					}
				})
			})
		}
	}
}

func TestAStragglerHasTheStacksOfItsOwnGoroutinesOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		h.Go("mail", func(context.Context) error { go holdMailChild(t); holdMail(t); return nil })
		h.Add("index", &fake{stop: func(context.Context) error { holdIndex(t); return nil }})
		h.Go("fine", idle)
		starts(t, h)
		err := h.Stop(context.Background())
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || len(timeout.Stragglers) != 2 {
			t.Fatalf("got error %v, want two stragglers", err)
		}
		index, mail := timeout.Stragglers[0], timeout.Stragglers[1]
		wantText(t, index.Stacks, "holdIndex", "straggler_test.go:")
		wantText(t, mail.Stacks, "holdMail", "holdMailChild")
		if strings.Contains(index.Stacks, "holdMail") || strings.Contains(mail.Stacks, "holdIndex") {
			t.Errorf("stacks of others:\n%s\n%s", index.Stacks, mail.Stacks)
		}
		if strings.Contains(mail.Stacks+index.Stacks, "testing.tRunner") {
			t.Error("the stack of the test is in it")
		}
		if strings.Contains(err.Error(), "\n\t") {
			t.Errorf("the stacks are in the message %q", err)
		}
		r := h.Report()
		if len(r.Stragglers) != 2 || r.Stragglers[1].Stacks != mail.Stacks {
			t.Error("the report does not have the stacks")
		}
		wantText(t, r.String(), "mail did not return from stop within", "holdMail")
	})
}

func holdMail(t testing.TB)      { <-t.Context().Done() }
func holdMailChild(t testing.TB) { <-t.Context().Done() }
func holdIndex(t testing.TB)     { <-t.Context().Done() }

func TestTwoHostsWithTheSameNamesHaveTheirOwnStacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		one := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		two := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		one.Go("s", func(context.Context) error { holdMail(t); return nil })
		two.Go("s", func(context.Context) error { holdIndex(t); return nil })
		starts(t, one)
		starts(t, two)
		var timeout *hosted.TimeoutError
		if err := one.Stop(context.Background()); !errors.As(err, &timeout) {
			t.Fatalf("got error %v", err)
		}
		if stacks := timeout.Stragglers[0].Stacks; strings.Contains(stacks, "holdIndex") {
			t.Errorf("the other host's stacks:\n%s", stacks)
		}
		if n := one.Goroutines()["s"]; n != 1 {
			t.Errorf("%d goroutines, want 1", n)
		}
	})
}

func TestErrorsBeforeTheDeadlineStandNextToIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		h.Add("a", &fake{stop: failing(errOther)})
		h.Go("stuck", stuck(t))
		h.Add("b", &fake{stop: failing(errBoom)})
		starts(t, h)
		err := h.Stop(context.Background())
		wantIs(t, err, errBoom)
		wantIs(t, err, errOther)
		wantIs(t, err, context.DeadlineExceeded)
		wantList(t, "stragglers", stragglers(err), "stop stuck")
	})
}

// A Stop that gives up when its context ends is told apart from one that does
// not, however close the two moments are.
func TestAStopThatReturnsAtItsDeadlineIsNoStraggler(t *testing.T) {
	for range 200 {
		bubble(t, func(t *testing.T) {
			h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
			h.Add("a", &fake{stop: idle})
			h.Add("b", &fake{stop: idle})
			starts(t, h)
			began := time.Now()
			err := h.Stop(context.Background())
			within(t, began, time.Second)
			wantList(t, "stragglers", stragglers(err))
			wantList(t, "errors", calls(err), "stop b", "stop a")
			wantIs(t, err, context.DeadlineExceeded)
		})
	}
}

func TestALoopThatReturnsAfterItsTurnIsNoStragglerAndNotClean(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("a", &fake{stop: after(100*time.Millisecond, nil)})
		h.Go("slow", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return nil },
			hosted.StopTimeout(950*time.Millisecond))
		starts(t, h)
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err))
		wantServiceError(t, err, "slow", "stop")
		wantIs(t, err, context.DeadlineExceeded)
	})
}

func TestAStragglerThatReturnsAtLastTouchesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		release := make(chan struct{})
		late := func(context.Context) error { <-release; return errBoom }
		s := newEnding()
		s.stop = late
		h.Add("service", s)
		h.Go("loop", late, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		h.Add("hook", &hooked{stopped: late})
		starts(t, h)
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err), "stop loop", "stop service", "stopped hook")
		report := h.Report().String()
		close(release)
		time.Sleep(time.Hour)
		if after := h.Report().String(); after != report {
			t.Errorf("the report became\n%s", after)
		}
		wantIs(t, h.Stop(t.Context()), err)
		if n := h.Goroutines(); len(n) > 0 {
			t.Errorf("goroutines are left: %v", n)
		}
	})
}
