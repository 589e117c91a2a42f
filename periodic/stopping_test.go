package periodic_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// slowToStop is a service that a host stops before the jobs.
type slowToStop struct{ took time.Duration }

func (slowToStop) Start(context.Context) error { return nil }

func (s slowToStop) Stop(context.Context) error { time.Sleep(s.took); return nil }

func TestNoRunBeginsFromTheMomentAStopOfTheHostIsAskedFor(t *testing.T) {
	for _, cancels := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var ended time.Duration
			var cause error
			begin := time.Now()
			alone, l := &producer{}, newLog()
			host := hosted.New(hosted.Config{ShutdownTimeout: 50 * time.Second, DrainDelay: 10 * time.Second})
			cfg := periodic.Config{Name: "producer", Schedule: periodic.Every(time.Second), Phase: -1, CancelOnStop: cancels}
			job, err := periodic.New(cfg, func(ctx context.Context) error {
				l.note(ctx)
				if l.count() < 5 {
					return nil
				}
				err := sleep(ctx, 8*time.Second)
				ended, cause = time.Since(begin), context.Cause(ctx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			s := limited(t, nil)
			many := add(t, s, periodic.Config{Name: "many", Schedule: periodic.Every(time.Second), Phase: -1}, alone.run)
			host.Add("producer", job)
			host.Add("scheduler", s)
			host.Add("consumer", slowToStop{20 * time.Second})
			if err := host.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			pass(5500 * time.Millisecond)
			if err := host.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if l.count() != 5 || alone.runs.Load() != 5 || many.Stats().Runs[periodic.Succeeded] != 5 {
				t.Errorf("%d and %d runs, want 5 each", l.count(), alone.runs.Load())
			}
			want := 13 * time.Second // at its own end
			if cancels {
				want = 5500 * time.Millisecond // at once, and not after the consumer
			}
			if ended != want || cancels != errors.Is(cause, periodic.ErrStopping) {
				t.Errorf("the run ended at %v with cause %v, want %v", ended, cause, want)
			}
			for _, svc := range host.Services() {
				if got := svc.State.String(); got != "stopped" {
					t.Errorf("%s is %s", svc.Name, got)
				}
			}
		})
	}
}

type producer struct{ runs atomic.Int64 }

func (p *producer) run(context.Context) error { p.runs.Add(1); return nil }

func TestStoppingInEveryState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second), Phase: -1}, l.run(3*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Stopping(t.Context()); err != nil { // before the start
			t.Error(err)
		}
		for range 2 { // it can be started again
			if err := j.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			pass(1500 * time.Millisecond)
			before := time.Now()
			for range 2 {
				if err := j.Stopping(t.Context()); err != nil || time.Since(before) > 0 {
					t.Errorf("Stopping: %v after %v", err, time.Since(before))
				}
			}
			if err := j.Trigger(); !errors.Is(err, periodic.ErrNotRunning) {
				t.Errorf("Trigger: %v", err)
			}
			pass(10 * time.Second)
			select {
			case <-j.Done():
				t.Error("Done before Stop")
			default:
			}
			stop(t, j)
			<-j.Done()
			if err := j.Stopping(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if l.count() != 2 {
			t.Errorf("%d runs", l.count())
		}
	})
}

func TestCancelOnStopWithoutAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(t, nil)
		var polite, quick errorLog
		until := func(log *errorLog) func(context.Context) error {
			return func(ctx context.Context) error {
				err := sleep(ctx, time.Minute)
				log.add(context.Cause(ctx))
				return err
			}
		}
		add(t, s, periodic.Config{Name: "polite", Schedule: periodic.Every(time.Hour), RunAtStart: true}, until(&polite))
		add(t, s, periodic.Config{Name: "quick", Schedule: periodic.Every(time.Hour), RunAtStart: true, CancelOnStop: true}, until(&quick))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		go func() { _ = s.Stop(within(t, time.Hour)) }()
		synctest.Wait()
		if got := quick.all(); len(got) != 1 || !errors.Is(got[0], periodic.ErrStopping) || len(polite.all()) != 0 {
			t.Errorf("quick %v, polite %v", got, polite.all())
		}
		pass(time.Minute)
		if got := polite.all(); len(got) != 1 || got[0] != nil {
			t.Errorf("polite %v", got)
		}
	})
}

func TestStuckIsZeroUntilAStopGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		run := func(context.Context) error { <-release; return nil }
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour), RunAtStart: true}, run)
		s := limited(t, nil)
		add(t, s, periodic.Config{Name: "many", Schedule: periodic.Every(time.Hour), RunAtStart: true}, run)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if a, b := j.Stuck(), s.Stuck(); a != 0 || b != 0 {
			t.Errorf("%d and %d stuck while all is well", a, b)
		}
		for _, svc := range []interface {
			Stop(context.Context) error
			Stuck() int
		}{j, s} {
			if err := svc.Stop(within(t, time.Second)); err == nil || svc.Stuck() != 1 {
				t.Errorf("Stop: %v, %d stuck", err, svc.Stuck())
			}
		}
		if err := j.Start(t.Context()); err != nil { // the run is left behind as ever
			t.Fatal(err)
		}
		if n := j.Stuck(); n != 1 {
			t.Errorf("%d stuck after another start", n)
		}
		close(release)
		synctest.Wait()
		if a, b := j.Stuck(), s.Stuck(); a != 0 || b != 0 {
			t.Errorf("%d and %d stuck in the end", a, b)
		}
	})
}

func TestTheBacklogHasTheRunsOfRemovedJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := limited(t, nil)
		for _, name := range []string{"a", "b"} {
			add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Minute), RunAtStart: true, Overlap: periodic.Parallel(2)},
				func(context.Context) error { <-release; return nil })
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute + time.Second)
		if err := s.Remove("b"); err != nil {
			t.Fatal(err)
		}
		if n := s.Backlog(); n != 4 {
			t.Errorf("%d runs, want 2 of each job", n)
		}
		close(release)
		pass(time.Second)
		if n := s.Backlog(); n != 0 {
			t.Errorf("%d runs when all have returned", n)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestARunOfARemovedJobIsStuckToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := limited(t, nil)
		for _, name := range []string{"a", "b"} {
			add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Hour), RunAtStart: true}, func(context.Context) error { <-release; return nil })
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if err := s.Remove("b"); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(within(t, time.Second)); err == nil || s.Stuck() != 2 {
			t.Errorf("Stop: %v, %d stuck, want 2", err, s.Stuck())
		}
		close(release)
		synctest.Wait()
		if n := s.Stuck(); n != 0 {
			t.Errorf("%d stuck in the end", n)
		}
	})
}
