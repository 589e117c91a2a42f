package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

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

// The stop of a service that is being restarted waits for the restart. When both have
// had their time, in whatever order, the Start that hangs is named.
func TestARestartThatHangsIsNamedWhenTheStopThatWaitedForItComesBack(t *testing.T) {
	for late := time.Duration(0); late <= 20*time.Millisecond; late += time.Millisecond {
		bubble(t, func(t *testing.T) {
			release := make(chan struct{})
			made := 0
			var first *instance
			h := hosted.New(hosted.Config{ShutdownTimeout: 4 * time.Second})
			h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
				s := newInstance()
				if made++; made == 1 {
					first = s
				} else {
					s.start = func(context.Context) error { <-release; return nil }
				}
				return s, nil
			}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})), hosted.StopTimeout(990*time.Millisecond+late))
			starts(t, h)
			first.end(errBoom)
			pass(time.Minute)
			err := h.Stop(t.Context())
			var timeout *hosted.TimeoutError
			if !errors.As(err, &timeout) {
				t.Errorf("%v after its turn nobody is named, and Start hangs: %v", late, err)
			}
			close(release)
			pass(time.Hour)
		})
	}
}
