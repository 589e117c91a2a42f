package periodic_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestStopWaitsForTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
			err := sleep(ctx, 7*time.Second)
			ended = err == nil
			return err
		})
		pass(1500 * time.Millisecond)
		before := time.Now()
		if err := j.Stop(within(t, 10*time.Second)); err != nil || !ended || time.Since(before) != 6500*time.Millisecond {
			t.Errorf("Stop: %v after %v, ended %v", err, time.Since(before), ended)
		}
		<-j.Done()
		if err := j.Err(); err != nil {
			t.Errorf("Err after Stop: %v", err)
		}
	})
}

func TestStopCancelsTheRunBeforeItsDeadline(t *testing.T) {
	for budget, reserve := range map[time.Duration]time.Duration{5 * time.Second: 500 * time.Millisecond, time.Minute: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var cause error
			j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return cause
			})
			pass(time.Second)
			before := time.Now()
			if err := j.Stop(within(t, budget)); err != nil {
				t.Error(err)
			}
			if d := time.Since(before); d != budget-reserve || !errors.Is(cause, periodic.ErrStopping) {
				t.Errorf("cancelled after %v of %v with %v", d, budget, cause)
			}
			if s := j.Stats(); s.Runs[periodic.Canceled] != 1 || s.Active {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestStopNamesTheJobsThatStillRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "all"})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		for name, run := range map[string]func(context.Context) error{
			"deaf":  func(context.Context) error { <-release; return nil },
			"numb":  func(context.Context) error { <-release; return nil },
			"quiet": nothing,
		} {
			add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Second), Overlap: periodic.Parallel(2)}, run)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		before := time.Now()
		err = s.Stop(within(t, 5*time.Second))
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `stead/periodic: stop "all": still running: deaf, numb: `) {
			t.Errorf("Stop: %v", err)
		}
		if d := time.Since(before); d != 5*time.Second {
			t.Errorf("Stop returned after %v", d)
		}
		if err := s.Stop(within(t, time.Second)); err == nil {
			t.Error("a second Stop knows nothing of them")
		}
		close(release)
		stop(t, s)
	})
}

func TestStopWithoutADeadlineWaitsForItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return nil
		})
		pass(time.Second)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Hour, cancel)
		if err := j.Stop(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
	})
}

func TestNoRunBeginsAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 200 {
			l := newLog()
			j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, l.run(0))
			time.Sleep(time.Second) // the slot is due at this very instant
			if i%2 == 0 {
				_ = j.Trigger()
			}
			stop(t, j)
			n := l.count()
			pass(10 * time.Second)
			if l.count() != n {
				t.Fatal("a run began after Stop")
			}
		}
	})
}

func TestStopInEveryState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}, l.run(0))
		if err != nil {
			t.Fatal(err)
		}
		stop(t, j) // before Start
		for range 300 {
			if err := j.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := j.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "already started") {
				t.Fatalf("second Start: %v", err)
			}
			stop(t, j)
			stop(t, j)
		}
		if err := j.Start(t.Context()); err != nil { // at once after a Stop
			t.Fatal(err)
		}
		select {
		case <-j.Done():
			t.Error("the new life is done already")
		default:
		}
		pass(10 * time.Second)
		stop(t, j)
		if l.count() != 10 {
			t.Errorf("%d runs", l.count())
		}
	})
}

func TestStopFromInsideARunOnlyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked error
		self := make(chan *periodic.Job, 1)
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			asked = (<-self).Stop(child)
			return nil
		})
		self <- j
		pass(10 * time.Second)
		<-j.Done()
		if s := j.Stats(); !errors.Is(asked, periodic.ErrStopping) || s.Duration.Count != 1 || s.Active {
			t.Errorf("asked %v, stats %+v", asked, s)
		}
		stop(t, j)
	})
}

func TestWaitingSlotsAreCountedAtStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), Overlap: periodic.Queue(5)}, l.run(20*time.Second))
		pass(4500 * time.Millisecond)
		if s := j.Stats(); s.Waiting != 3 {
			t.Errorf("stats %+v", s)
		}
		stop(t, j)
		if s := j.Stats(); l.count() != 1 || s.Waiting != 0 || s.Skipped != (periodic.Skips{Stopped: 3}) {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestAStragglerOfAnEarlierLifeIsNotOverlapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var g gauge
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, func(ctx context.Context) error {
			defer g.enter()()
			l.note(ctx)
			time.Sleep(25 * time.Second)
			return nil
		})
		pass(11 * time.Second)
		if err := j.Stop(within(t, time.Second)); err == nil {
			t.Error("Stop knows nothing of the straggler")
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(31 * time.Second) // slots at 22 and 32 meet the straggler, the one at 42 does not
		l.want(t, seconds(10, 42)...)
		if g.most() != 1 {
			t.Errorf("%d at a time", g.most())
		}
	})
}

func TestARunHasTheValuesOfStartButNotItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var got any
		var failed error
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
			got, failed = ctx.Value(key{}), ctx.Err()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, 42))
		if err := j.Start(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		pass(2 * time.Second)
		stop(t, j)
		if got != 42 || failed != nil {
			t.Errorf("value %v, ctx error %v", got, failed)
		}
	})
}

// Every call, in every state, from many goroutines: nothing hangs, and what was
// admitted is accounted for.
func TestManyGoroutinesOnOneJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var g gauge
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Millisecond), Overlap: periodic.QueueOne, Timeout: time.Second}, func(ctx context.Context) error {
			defer g.enter()()
			return l.run(3 * time.Millisecond)(ctx)
		})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 50 {
					time.Sleep(time.Duration(i*n%7) * time.Millisecond)
					switch (i + n) % 8 {
					case 0:
						_ = j.Trigger()
					case 1:
						j.Pause()
					case 2, 3:
						j.Resume()
					case 4:
						_ = j.SetSchedule(periodic.Every(time.Duration(n+1) * time.Millisecond))
					case 5:
						_ = j.Stats()
					case 6:
						_ = j.Stop(within(t, time.Minute))
					case 7:
						_ = j.Start(t.Context())
					}
				}
			})
		}
		wg.Wait()
		stop(t, j)
		if s := j.Stats(); g.most() > 1 || s.Running != 0 || s.Waiting != 0 || s.Duration.Count != uint64(l.count()) {
			t.Errorf("%d at a time, %d runs, stats %+v", g.most(), l.count(), s)
		}
	})
}

func TestStopWithAnEndedContextStillStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for range 100 {
			l := newLog()
			j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, l.run(0))
			time.Sleep(1500 * time.Millisecond)
			if err := j.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			pass(5 * time.Second)
			l.want(t, time.Second)
		}
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return nil
		})
		pass(time.Second)
		if err := j.Stop(ctx); err == nil || !strings.Contains(err.Error(), "still running: j") {
			t.Errorf("Stop: %v", err)
		}
	})
}

func TestStopIsBoundedWhenAScheduleHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		asked := 0
		j := start(t, periodic.Config{Schedule: badSchedule{func(after time.Time) time.Time {
			if asked++; asked > 1 {
				<-release
			}
			return after.Add(time.Second)
		}}}, nothing)
		pass(2 * time.Second)
		before := time.Now()
		if err := j.Stop(within(t, 5*time.Second)); !errors.Is(err, context.DeadlineExceeded) || time.Since(before) > 5100*time.Millisecond {
			t.Errorf("Stop: %v after %v", err, time.Since(before))
		}
		close(release)
	})
}
