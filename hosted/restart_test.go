package hosted_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

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
