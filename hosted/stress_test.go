package hosted_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// balanced counts the starts that succeeded and the stops of one service.
type balanced struct {
	starts, stops atomic.Int32
	fail          error
}

func (b *balanced) Start(context.Context) error {
	runtime.Gosched()
	if b.fail != nil {
		return b.fail
	}
	b.starts.Add(1)
	return nil
}

func (b *balanced) Stop(context.Context) error {
	b.stops.Add(1)
	return nil
}

// Whatever races with what, each service that started is stopped once, none
// starts twice, and everybody comes back.
func TestEverythingAtOnceLeavesNothingRunning(t *testing.T) {
	for round := range 200 {
		h := hosted.New(hosted.Config{StartConcurrency: round % 3, ShutdownTimeout: time.Minute})
		var services []*balanced
		for i := range 5 {
			s := &balanced{}
			if round%10 == 9 && i == 3 {
				s.fail = errBoom
			}
			services = append(services, s)
			h.Add(fmt.Sprint("s", i), s)
		}
		var running atomic.Int32
		count := func(fn func(context.Context) error) func(context.Context) error {
			return func(ctx context.Context) error {
				running.Add(1)
				defer running.Add(-1)
				return fn(ctx)
			}
		}
		h.Go("loop", count(idle))
		h.Go("flaps", count(func(context.Context) error {
			if rand.IntN(2) == 0 {
				panic("flap")
			}
			return errOther
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Microsecond, Max: time.Microsecond, Limit: -1})))
		if round%4 == 0 {
			h.Go("crashes", count(func(context.Context) error { runtime.Gosched(); return errBoom }))
		}

		var wg sync.WaitGroup
		together := make(chan struct{})
		at := func(fn func()) {
			wg.Go(func() {
				<-together
				for range rand.IntN(20) {
					runtime.Gosched()
				}
				fn()
			})
		}
		for range 2 {
			at(func() { _ = h.Run(t.Context()) })
			at(func() { _ = h.Stop(t.Context()) })
			at(func() { h.Add("late", &balanced{}) })
			at(func() { _ = h.Reload(t.Context()) })
			at(func() { _, _, _ = h.Services(), h.Report(), h.Goroutines() })
			at(func() { _, _ = ok(h.ReadyHandler()), ok(h.LiveHandler()) })
		}
		at(func() { h.Lifetime().Stop(errWhy) })
		close(together)
		wg.Wait()
		if !closed(h.Lifetime().Stopped()) {
			t.Fatal("not stopped")
		}
		for i, s := range services {
			if starts, stops := s.starts.Load(), s.stops.Load(); starts > 1 || starts != stops {
				t.Fatalf("round %d: service %d started %d times and stopped %d times", round, i, starts, stops)
			}
		}
		if n := running.Load(); n != 0 {
			t.Fatalf("round %d: %d loops are left", round, n)
		}
	}
}

// A bubble ends only if no goroutine is left in it, so it counts exactly, where
// runtime.NumGoroutine also counts those that are on their way out.
func TestAThousandRoundsLeaveNoGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for range 1000 {
			h := hosted.New(hosted.Config{})
			h.Go("loop", idle)
			h.Go("optional", failing(errBoom), hosted.OnFailure(hosted.Ignore()))
			h.Add("service", &fake{})
			h.Add("ending", newEnding())
			h.Task("task", failing(nil))
			starts(t, h)
			stops(t, h)
		}
	})
}

// A host that is stopped while services fail, restart and end keeps its promise
// about errors: those of services that failed under StopHost are in the result.
func TestAFailureRacingWithAStopIsNeverLost(t *testing.T) {
	for range 500 {
		h := hosted.New(hosted.Config{})
		crash := make(chan struct{})
		var failed atomic.Bool
		h.Go("loop", func(ctx context.Context) error {
			select {
			case <-crash:
				failed.Store(true)
				return errBoom
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		e := newEnding()
		h.Add("ending", e)
		starts(t, h)
		var wg sync.WaitGroup
		wg.Go(func() { close(crash) })
		wg.Go(func() { e.end(errOther) })
		err := h.Stop(t.Context())
		wg.Wait()
		if failed.Load() {
			wantIs(t, err, errBoom)
		}
	}
}
