package periodic_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

// everySecond adds n jobs whose slots are all the same.
func everySecond(t *testing.T, s *periodic.Scheduler, n int, run func(ctx context.Context, i int) error) {
	t.Helper()
	for i := range n {
		j, err := periodic.New(periodic.Config{Name: fmt.Sprint("job-", i), Schedule: periodic.Every(time.Second), Phase: -1},
			func(ctx context.Context) error { return run(ctx, i) })
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(j); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunsThatAreDueTogetherDoNotWaitForOneThatBlocksOrEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "all"})
		if err != nil {
			t.Fatal(err)
		}
		var ran atomic.Int32
		everySecond(t, s, 200, func(ctx context.Context, i int) error {
			ran.Add(1)
			switch {
			case i%3 == 0:
				<-ctx.Done()
			case i%3 == 1:
				runtime.Goexit()
			}
			return nil
		})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := ran.Load(); n != 200 {
			t.Errorf("%d of 200 runs began at their slot", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestShortRunsThatAreDueTogetherShareGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "all"})
		if err != nil {
			t.Fatal(err)
		}
		var now, most atomic.Int32
		everySecond(t, s, 1000, func(context.Context, int) error {
			for n := int32(runtime.NumGoroutine()); ; {
				if m := most.Load(); m >= n || most.CompareAndSwap(m, n) {
					break
				}
			}
			now.Add(1)
			return nil
		})
		before := runtime.NumGoroutine()
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := now.Load(); n != 1000 {
			t.Errorf("%d of 1000 runs", n)
		}
		// They are a handful, and one more each time that a goroutine loses its
		// processor in the middle of a run: a thousand short runs do not take long
		// enough for that to happen often.
		if n := int(most.Load()) - before; n > 100 {
			t.Errorf("%d goroutines for 1000 short runs", n)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// panicking is a log handler that panics on every record.
type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("the disk is full") }

func TestALogHandlerThatPanicsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		j, err := periodic.New(periodic.Config{Name: "a", Schedule: periodic.Every(time.Second), Phase: -1, Logger: slog.New(panicking{})},
			func(context.Context) error { runs.Add(1); return fmt.Errorf("run %d", runs.Load()) })
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Second + 1)
		synctest.Wait()
		if err := j.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if n := runs.Load(); n != 3 {
			t.Errorf("%d runs, want 3", n)
		}
	})
}
