package periodic_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

// Calls that meet in one instant: a start and a stop, an Add and both, a change
// of the schedule from inside what the job calls.

func TestDoneClosesWhenTheLastRunHasReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, l.run(10*time.Second))
		pass(1500 * time.Millisecond)
		stopped := make(chan error, 1)
		go func() { stopped <- j.Stop(within(t, time.Minute)) }()
		pass(time.Second)
		select {
		case <-j.Done():
			t.Error("done while a run is on")
		default:
		}
		<-j.Done()
		if d := time.Since(l.zero); d != 11*time.Second {
			t.Errorf("done at %v", d)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestDoneOfARemovedJobClosesWhenItsRunHasReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		j := add(t, s, periodic.Config{Name: "j", Schedule: periodic.Every(time.Second), Phase: -1}, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			return nil
		})
		idle := add(t, s, periodic.Config{Name: "idle", Schedule: periodic.Every(time.Hour)}, nothing)
		pass(1500 * time.Millisecond)
		for _, name := range []string{"j", "idle"} {
			if err := s.Remove(name); err != nil {
				t.Error(err)
			}
		}
		<-idle.Done()
		begin := time.Now()
		<-j.Done()
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("done %v after its removal", d)
		}
	})
}

// hooked calls something the first time that it is asked.
type hooked struct {
	periodic.Schedule
	once *sync.Once
	hook func()
}

func (h hooked) Next(after time.Time) time.Time {
	h.once.Do(h.hook)
	return h.Schedule.Next(after)
}

func TestSetScheduleDuringTheStartIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var j *periodic.Job
		hook := func() {
			if err := j.SetSchedule(periodic.Every(time.Second)); err != nil {
				t.Error(err)
			}
		}
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: hooked{periodic.Every(time.Hour), new(sync.Once), hook}, Phase: -1}, l.run(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2500 * time.Millisecond)
		stop(t, j)
		l.want(t, seconds(1, 2)...)
	})
}

func TestSetScheduleFromInsideARun(t *testing.T) {
	for name, tc := range map[string]struct {
		to    periodic.Schedule
		began []time.Duration // runs take 2 s; the first changes the schedule at 10 s
	}{
		"rate":       {periodic.Every(3 * time.Second), seconds(10, 13, 16, 19)},
		"delay":      {periodic.After(3 * time.Second), seconds(10, 15, 20)},
		"calendar":   {cron(t, "*/5 * * * * *", nil), seconds(10, 15, 20)},
		"never":      {periodic.At(), seconds(10)},
		"one moment": {periodic.At(time.Date(2000, 1, 1, 0, 0, 17, 0, time.UTC)), seconds(10, 17)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				self := make(chan *periodic.Job, 1)
				j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, func(ctx context.Context) error {
					l.note(ctx)
					if l.count() == 1 {
						if err := (<-self).SetSchedule(tc.to); err != nil {
							t.Error(err)
						}
					}
					return sleep(ctx, 2*time.Second)
				})
				self <- j
				pass(21 * time.Second)
				l.wantBegan(t, tc.began...)
			})
		})
	}
}

func TestANewRateOfAJobThatGaveUpCountsFromItsLastSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		fail := io.ErrUnexpectedEOF
		time.Sleep(1234 * time.Millisecond) // so that the grid is not that of the epoch
		l.zero = time.Now()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), GiveUpAfter: 1}, func(ctx context.Context) error {
			l.note(ctx)
			if l.count() == 1 {
				return fail
			}
			return nil
		})
		pass(12 * time.Second)
		if err := j.SetSchedule(periodic.Every(7 * time.Second)); err != nil {
			t.Error(err)
		}
		pass(time.Second)
		if err := j.Trigger(); err != nil {
			t.Error(err)
		}
		pass(12 * time.Second)
		l.wantBegan(t, seconds(10, 13, 17, 24)...)
	})
}

func TestAScheduleThatEndedCanBeReplacedAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.At(), RunAtStart: true}, l.run(0))
		<-j.Done()
		if err := j.SetSchedule(periodic.Every(time.Second)); !errors.Is(err, periodic.ErrNotRunning) {
			t.Errorf("while it is started: %v", err)
		}
		stop(t, j)
		if err := j.SetSchedule(periodic.Every(time.Second)); err != nil {
			t.Errorf("after Stop: %v", err)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(1500 * time.Millisecond)
		l.wantBegan(t, seconds(0, 0, 1)...)
	})
}

func TestATriggerAfterAStopWasAskedForIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self := make(chan *periodic.Job, 1)
		var refused error
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), Overlap: periodic.QueueOne}, func(ctx context.Context) error {
			j := <-self
			_ = j.Stop(ctx)
			refused = j.Trigger()
			return nil
		})
		self <- j
		<-j.Done()
		if s := j.Stats(); !errors.Is(refused, periodic.ErrNotRunning) || s.Skipped.Total() != 0 {
			t.Errorf("got %v, stats %+v", refused, s)
		}
	})
}

// slowStore holds up the first that asks it.
type slowStore struct {
	first   *atomic.Bool
	asked   chan struct{}
	release chan struct{}
}

func (s slowStore) LastRun(context.Context, string) (time.Time, error) {
	if s.first.CompareAndSwap(false, true) {
		close(s.asked)
		<-s.release
	}
	return time.Time{}, nil
}

func (s slowStore) SaveLastRun(context.Context, string, time.Time) error { return nil }

func TestAnAddThatOutlivesAStopAndAStartLeavesTheJobRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := scheduler(t), newLog()
		store := slowStore{new(atomic.Bool), make(chan struct{}), make(chan struct{})}
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second), LastRun: store, Phase: -1}, l.run(0))
		if err != nil {
			t.Fatal(err)
		}
		added := make(chan error, 1)
		go func() { added <- s.Add(j) }()
		<-store.asked
		stop(t, s)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(store.release)
		if err := <-added; err != nil {
			t.Error(err)
		}
		pass(2500 * time.Millisecond)
		if s := j.Stats(); !s.Active || l.count() != 2 {
			t.Errorf("%d runs, stats %+v", l.count(), s)
		}
	})
}

// Whoever tries to start again while a stop is on is refused, or has started.
func TestAStartDuringAStopIsRefusedOrWhole(t *testing.T) {
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	var jobs []*periodic.Job
	for _, name := range names(500) {
		j, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(time.Hour)}, nothing)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, j)
		if err := s.Add(j); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			_ = s.Stop(context.Background())
		}()
		for s.Start(t.Context()) != nil {
		}
		<-stopped
		for _, j := range jobs {
			if !j.Stats().Active {
				t.Fatalf("%s is not active in a scheduler that was started", j.Name())
			}
		}
	}
	stop(t, s)
}
