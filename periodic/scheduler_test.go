package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func add(t *testing.T, s *periodic.Scheduler, cfg periodic.Config, run func(context.Context) error) *periodic.Job {
	t.Helper()
	if cfg.Phase == 0 {
		cfg.Phase = -1
	}
	j, err := periodic.New(cfg, run)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(j); err != nil {
		t.Fatal(err)
	}
	return j
}

func scheduler(t *testing.T) *periodic.Scheduler {
	t.Helper()
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func TestJobsComeAndGoWhileTheSchedulerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLog(), newLog()
		s := scheduler(t)
		if s.Name() != "s" {
			t.Errorf("name %q", s.Name())
		}
		add(t, s, periodic.Config{Name: "a", Schedule: periodic.Every(10 * time.Second)}, a.run(0))
		pass(15 * time.Second)
		job := add(t, s, periodic.Config{Name: "b", Schedule: periodic.Every(time.Second)}, b.run(0))
		if s.Job("b") != job || len(s.Jobs()) != 2 || s.Jobs()[0].Name() != "a" || job.Next().IsZero() {
			t.Errorf("jobs %v", s.Jobs())
		}
		pass(2500 * time.Millisecond)
		if err := s.Remove("b"); err != nil {
			t.Error(err)
		}
		<-job.Done()
		pass(15 * time.Second)
		a.want(t, seconds(10, 20, 30)...)
		b.want(t, seconds(16, 17)...)
		if err := s.Remove("b"); err == nil || s.Job("b") != nil {
			t.Errorf("second Remove: %v", err)
		}
		if err := job.Trigger(); !errors.Is(err, periodic.ErrNotRunning) {
			t.Errorf("Trigger of a removed job: %v", err)
		}
		add(t, s, periodic.Config{Name: "b", Schedule: periodic.Every(time.Second)}, b.run(0)) // the name is free
	})
}

func TestAJobBelongsToOneScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		j := add(t, s, periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}, nothing)
		if err := s.Add(j); err == nil || !strings.Contains(err.Error(), "belongs to a scheduler") {
			t.Errorf("added twice: %v", err)
		}
		if err := j.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "belongs to a scheduler") {
			t.Errorf("started: %v", err)
		}
		if err := j.Stop(t.Context()); err == nil {
			t.Error("stopped on its own")
		}
		same, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}, nothing)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(same); err == nil || !strings.Contains(err.Error(), "of that name") {
			t.Errorf("second job of a name: %v", err)
		}
		if err := same.Start(t.Context()); err != nil { // the refusal left it alone
			t.Error(err)
		}
		stop(t, same)
		if err := s.Add(nil); err == nil {
			t.Error("nil was added")
		}
		if _, err := periodic.NewScheduler(periodic.SchedulerConfig{}); err == nil {
			t.Error("a scheduler without a name")
		}
		if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "already started") {
			t.Errorf("second Start: %v", err)
		}
	})
}

func TestRemoveCancelsTheRunAndLetsNoneBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		s := scheduler(t)
		add(t, s, periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil
		})
		pass(time.Second)
		if err := s.Remove("j"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !errors.Is(cause, periodic.ErrStopping) {
			t.Errorf("cause %v", cause)
		}
		for i := range 500 { // Remove at the very instant of a slot
			var gone atomic.Bool
			add(t, s, periodic.Config{Name: "k", Schedule: periodic.Every(time.Second)}, func(ctx context.Context) error {
				if gone.Load() && ctx.Err() == nil {
					t.Errorf("try %d: a run began after Remove", i)
				}
				return nil
			})
			time.Sleep(time.Second)
			if err := s.Remove("k"); err != nil {
				t.Fatal(err)
			}
			gone.Store(true)
			synctest.Wait()
		}
	})
}

func TestASlowJobDoesNotDelayTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := scheduler(t)
		add(t, s, periodic.Config{Name: "slow", Schedule: periodic.Every(time.Second), Overlap: periodic.Parallel(100)}, func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		})
		add(t, s, periodic.Config{Name: "fast", Schedule: periodic.Every(time.Second)}, l.run(0))
		pass(30 * time.Second)
		var want []time.Duration
		for k := range 30 {
			want = append(want, time.Duration(k+1)*time.Second)
		}
		l.wantBegan(t, want...)
	})
}

func TestAJobThatAlwaysWantsToRunAgainDoesNotStarveTheOthers(t *testing.T) {
	l := struct{ hungry, other atomic.Int64 }{}
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	enough := make(chan struct{})
	var once sync.Once
	add(t, s, periodic.Config{Name: "hungry", Schedule: periodic.Every(time.Hour), RunAtStart: true}, func(context.Context) error {
		l.hungry.Add(1)
		return periodic.ErrAgain
	})
	add(t, s, periodic.Config{Name: "other", Schedule: periodic.Every(time.Millisecond)}, func(context.Context) error {
		if l.other.Add(1) == 20 {
			once.Do(func() { close(enough) })
		}
		return nil
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-enough // or the test times out
	stop(t, s)
	if l.hungry.Load() < 2 {
		t.Errorf("%d runs of the hungry one", l.hungry.Load())
	}
}

func TestAHundredThousandTicksAllRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		jobs := 20_000
		if testing.Short() {
			jobs = 1000
		}
		s := populate(t, jobs, time.Second, func(context.Context) error {
			n.Add(1)
			return nil
		})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		stop(t, s)
		if n.Load() != int64(5*jobs) {
			t.Errorf("%d runs of %d", n.Load(), 5*jobs)
		}
		for _, j := range s.Jobs() {
			if st := j.Stats(); st.Skipped.Total() != 0 || st.Lateness.Sum != 0 {
				t.Fatalf("%s: %+v", j.Name(), st)
			}
		}
	})
}

func TestRemovedJobsLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("counts memory")
	}
	const n = 50_000
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	all := names(n)
	goroutines, before := runtime.NumGoroutine(), heap()
	for _, name := range all {
		add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Hour)}, nothing)
	}
	full := heap()
	if now := runtime.NumGoroutine(); now > goroutines+n/1000 { // none is a job's
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
	if each := (int64(full) - int64(before)) / n; each > 450 {
		t.Errorf("%d bytes a job", each)
	}
	rand.Shuffle(n, func(i, k int) { all[i], all[k] = all[k], all[i] })
	for _, name := range all {
		if err := s.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	left := int64(heap()) - int64(before)
	for range 100 { // the runtime's own come and go
		if left <= 64*1024 {
			break
		}
		time.Sleep(10 * time.Millisecond)
		left = int64(heap()) - int64(before)
	}
	if left > 64*1024 {
		t.Errorf("%d bytes are left of %d", left, full-before)
	}
	runtime.KeepAlive(all)
}

func TestHealthIsThatOfAllJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		fine := newLog()
		add(t, s, periodic.Config{Name: "fine", Schedule: periodic.Every(time.Second)}, fine.run(0))
		add(t, s, periodic.Config{Name: "sick", Schedule: periodic.Every(time.Second), GiveUpAfter: 2}, func(context.Context) error { return context.Canceled })
		pass(1500 * time.Millisecond)
		if err := s.Health(t.Context()); err != nil {
			t.Errorf("health after one failure: %v", err)
		}
		pass(10 * time.Second)
		if err := s.Health(t.Context()); !errors.Is(err, periodic.ErrGaveUp) || !strings.Contains(err.Error(), "sick") {
			t.Errorf("health: %v", err)
		}
		if fine.count() != 11 {
			t.Errorf("the other job ran %d times", fine.count())
		}
	})
}

func TestRunsCarryLabelsOfTheSchedulerNotOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var job, caller, service string
		seen := func(ctx context.Context) error {
			// Labels that code hands on go with ctx; a run must not have the caller's.
			job, _ = pprof.Label(ctx, "job")
			caller, _ = pprof.Label(ctx, "caller")
			service, _ = pprof.Label(ctx, "service")
			return nil
		}
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
		if err != nil {
			t.Fatal(err)
		}
		j := add(t, s, periodic.Config{Name: "labelled", Schedule: periodic.Every(time.Hour)}, seen)
		pprof.Do(context.Background(), pprof.Labels("service", "cron"), func(ctx context.Context) {
			if err := s.Start(ctx); err != nil {
				t.Fatal(err)
			}
		})
		pprof.Do(context.Background(), pprof.Labels("caller", "me"), func(context.Context) {
			if err := j.Trigger(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		stop(t, s)
		if job != "labelled" || caller != "" || service != "cron" {
			t.Errorf("labels job=%q caller=%q service=%q", job, caller, service)
		}
	})
}

// Jobs come, go, stop and start at random while slots fire; the scheduler keeps
// its books and ends.
func TestManyGoroutinesOnOneScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		var begun, ended atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(1, uint64(i)))
				for range 200 {
					name := fmt.Sprintf("job-%d", r.IntN(20))
					switch r.IntN(10) {
					case 0, 1, 2, 3:
						j, err := periodic.New(periodic.Config{
							Name: name, Schedule: periodic.Every(time.Duration(1+r.IntN(5)) * time.Millisecond),
							Overlap: []periodic.Overlap{periodic.SkipOverlap, periodic.QueueOne, periodic.Parallel(3), periodic.Replace}[r.IntN(4)],
						}, func(ctx context.Context) error {
							begun.Add(1)
							defer ended.Add(1)
							return sleep(ctx, 2*time.Millisecond)
						})
						if err != nil {
							t.Error(err)
						}
						_ = s.Add(j)
					case 4, 5:
						_ = s.Remove(name)
					case 6:
						if j := s.Job(name); j != nil {
							_ = j.Trigger()
						}
					case 7:
						_ = s.Stop(within(t, time.Second))
					case 8:
						_ = s.Start(t.Context())
					default:
						for _, j := range s.Jobs() {
							_ = j.Stats()
						}
					}
					time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
				}
			})
		}
		wg.Wait()
		stop(t, s)
		if begun.Load() != ended.Load() || begun.Load() == 0 {
			t.Errorf("%d runs begun, %d ended", begun.Load(), ended.Load())
		}
	})
}

func TestABlockedCallbackDoesNotDelayTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := scheduler(t)
		release := make(chan struct{})
		add(t, s, periodic.Config{
			Name: "sick", Schedule: periodic.Every(time.Second), GiveUpAfter: 1,
			OnGiveUp: func(context.Context, error) { <-release },
		}, func(context.Context) error { return context.Canceled })
		add(t, s, periodic.Config{Name: "fine", Schedule: periodic.Every(time.Second)}, l.run(0))
		pass(5 * time.Second)
		l.wantBegan(t, seconds(1, 2, 3, 4, 5)...)
		if err := s.Stop(within(t, time.Second)); err == nil || !strings.Contains(err.Error(), "sick") {
			t.Errorf("Stop does not know of the callback: %v", err)
		}
		close(release)
	})
}
