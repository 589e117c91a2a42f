package periodic_test

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

	"golang.org/x/sync/semaphore"

	"github.com/steadgo/stead/periodic"
)

func limited(t *testing.T, limit interface {
	Acquire(ctx context.Context, n int64) error
	Release(n int64)
},
) *periodic.Scheduler {
	t.Helper()
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s", Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestALimitBoundsTheRunsOfAllJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(t, semaphore.NewWeighted(3))
		var g gauge
		for i := range 20 {
			add(t, s, periodic.Config{
				Name: fmt.Sprint(i), Schedule: periodic.Every(30 * time.Second), Phase: -1, Timeout: 3 * time.Second,
				Overlap: []periodic.Overlap{periodic.SkipOverlap, periodic.Parallel(2), periodic.QueueOne}[i%3],
			}, func(ctx context.Context) error {
				defer g.enter()()
				return sleep(ctx, 2*time.Second)
			})
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(31 * time.Second)
		running, waiting := 0, 0
		for _, j := range s.Jobs() {
			st := j.Stats()
			running, waiting = running+st.Running, waiting+st.Waiting
		}
		if running != 3 || waiting != 17 {
			t.Errorf("%d run and %d wait, want 3 and 17", running, waiting)
		}
		pass(14 * time.Second) // seven turns of 2 s: longer than the timeout
		for _, j := range s.Jobs() {
			if st := j.Stats(); st.Runs[periodic.Succeeded] != 1 || st.Skipped.Total() != 0 {
				t.Errorf("%s: %v, %+v", j.Name(), st.Runs, st.Skipped)
			}
		}
		if g.most() != 3 {
			t.Errorf("%d at a time, want 3", g.most())
		}
		stop(t, s)
	})
}

func TestARunThatWaitsForTheLimitAtAStopIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sem := semaphore.NewWeighted(1)
		s := limited(t, sem)
		var g gauge
		for i := range 5 {
			add(t, s, periodic.Config{Name: fmt.Sprint(i), Schedule: periodic.Every(time.Minute), Phase: -1}, func(ctx context.Context) error {
				defer g.enter()()
				return sleep(ctx, 10*time.Second)
			})
		}
		for range 2 { // lives
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			pass(65 * time.Second)
			stop(t, s)
			if !sem.TryAcquire(1) {
				t.Fatal("the limit is not free after the stop")
			}
			sem.Release(1)
		}
		var runs, skipped uint64
		for _, j := range s.Jobs() {
			st := j.Stats()
			runs, skipped = runs+st.Runs[periodic.Succeeded], skipped+st.Skipped.Stopped
		}
		if runs != 2 || skipped != 8 {
			t.Errorf("%d runs and %d skipped at the stop, want 2 and 8", runs, skipped)
		}
	})
}

func TestWhatWaitsForTheLimitMayBeRemovedReplacedOrOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sem := semaphore.NewWeighted(1)
		s := limited(t, sem)
		l := map[string]*log{}
		jobs := map[string]*periodic.Job{}
		for name, overlap := range map[string]periodic.Overlap{
			"skip": periodic.SkipOverlap, "replace": periodic.Replace, "queue": periodic.Queue(2), "removed": periodic.SkipOverlap,
		} {
			l[name] = newLog()
			jobs[name] = add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Minute), Phase: -1, Overlap: overlap}, l[name].run(0))
		}
		if err := sem.Acquire(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2*time.Minute + time.Second)
		if err := s.Remove("removed"); err != nil {
			t.Error(err)
		}
		sem.Release(1)
		pass(time.Second)
		l["skip"].want(t, time.Minute)
		l["replace"].want(t, 2*time.Minute)
		l["queue"].want(t, time.Minute, 2*time.Minute)
		l["removed"].want(t)
		if a, b := jobs["skip"].Stats().Skipped.Overlap, jobs["replace"].Stats().Skipped.Overlap; a != 1 || b != 1 {
			t.Errorf("%d and %d skipped", a, b)
		}
		stop(t, s)
		if !sem.TryAcquire(1) {
			t.Error("the limit is not free after the stop")
		}
	})
}

// badLimit is somebody else's code.
type badLimit struct {
	mu      sync.Mutex
	held    int
	acquire func(ctx context.Context) error
	release func()
}

func (b *badLimit) Acquire(ctx context.Context, _ int64) error {
	err := b.acquire(ctx)
	if err == nil {
		b.mu.Lock()
		b.held++
		b.mu.Unlock()
	}
	return err
}

func (b *badLimit) Release(int64) {
	b.mu.Lock()
	b.held--
	b.mu.Unlock()
	b.release()
}

func TestALimitThatFailsFailsTheRunAndHoldsUpNoOther(t *testing.T) {
	errAway := errors.New("store is away")
	for name, b := range map[string]*badLimit{
		"error":        {acquire: func(context.Context) error { return errAway }, release: func() {}},
		"panic":        {acquire: func(context.Context) error { panic(errAway) }, release: func() {}},
		"Goexit":       {acquire: func(context.Context) error { runtime.Goexit(); return nil }, release: func() {}},
		"free panics":  {acquire: func(context.Context) error { return nil }, release: func() { panic("no") }},
		"free Goexits": {acquire: func(context.Context) error { return nil }, release: runtime.Goexit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limited(t, b)
				for i := range 3 {
					add(t, s, periodic.Config{Name: fmt.Sprint(i), Schedule: periodic.Every(time.Second), Phase: -1}, nothing)
				}
				if err := s.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				pass(3500 * time.Millisecond)
				for _, j := range s.Jobs() {
					st := j.Stats()
					failed := st.Runs[periodic.Failed] + st.Runs[periodic.Panicked]
					if name[0] == 'f' && st.Runs[periodic.Succeeded] != 3 || name[0] != 'f' && (failed != 3 || st.Last.Err == nil) {
						t.Errorf("%s: %v, last %v", j.Name(), st.Runs, st.Last.Err)
					}
				}
				stop(t, s)
				if b.held != 0 {
					t.Errorf("%d places are held after the stop", b.held)
				}
			})
		})
	}
}

func TestALimitThatHangsIsNamedByTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &badLimit{acquire: func(context.Context) error { <-release; return nil }, release: func() {}}
		s := limited(t, b)
		add(t, s, periodic.Config{Name: "j", Schedule: periodic.Every(time.Second), Phase: -1}, nothing)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(1500 * time.Millisecond)
		if err := s.Stop(within(t, time.Second)); err == nil || s.Stuck() != 1 {
			t.Errorf("Stop: %v", err)
		}
		close(release)
		synctest.Wait()
		if b.held != 0 {
			t.Errorf("%d places are held", b.held)
		}
	})
}

// A job whose runs may be on side by side has as many as the limit has room for.
func TestALimitWithRoomHoldsUpNoRunOfAParallelJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(t, semaphore.NewWeighted(3))
		j := add(t, s, periodic.Config{Name: "a", Schedule: periodic.Every(time.Hour), Phase: -1, Overlap: periodic.Parallel(5)},
			func(ctx context.Context) error { return sleep(ctx, time.Minute) })
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := j.Trigger(); err != nil {
				t.Error(err)
			}
		}
		pass(time.Second)
		if st := j.Stats(); st.Running != 3 || st.Waiting != 2 {
			t.Errorf("%d run and %d wait, want 3 and 2", st.Running, st.Waiting)
		}
		pass(time.Minute)
		if st := j.Stats(); st.Running != 2 || st.Waiting != 0 {
			t.Errorf("%d run and %d wait, want 2 and 0", st.Running, st.Waiting)
		}
		_ = s.Stop(t.Context())
	})
}

// The next slot ends the attempts for the last one, also those that wait for the limit.
func TestAnAttemptThatWaitsForTheLimitGivesWayToTheNextSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := semaphore.NewWeighted(1)
		s := limited(t, limit)
		began := time.Now()
		var ran []time.Duration
		add(t, s, periodic.Config{
			Name: "a", Schedule: periodic.Every(time.Hour), Phase: -1, Retry: periodic.Retry{Attempts: 2, Initial: time.Second},
			OnRun: func(r periodic.Run) { ran = append(ran, r.Slot.Sub(began)) },
		}, func(context.Context) error { return errors.New("boom") })
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if !limit.TryAcquire(1) {
			t.Fatal("the run is not over")
		}
		pass(90 * time.Minute)
		limit.Release(1)
		pass(time.Minute)
		if want := []time.Duration{time.Hour, 2 * time.Hour, 2 * time.Hour}; !slices.Equal(ran, want) {
			t.Errorf("runs of the slots %v, want %v", ran, want)
		}
		_ = s.Stop(t.Context())
	})
}
