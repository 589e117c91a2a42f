package periodic_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// What a foreign schedule or calendar can do to a scheduler.
var misdeeds = map[string]func(release <-chan struct{}, after time.Time) time.Time{
	"panics":       func(<-chan struct{}, time.Time) time.Time { panic("boom") },
	"exits":        func(<-chan struct{}, time.Time) time.Time { runtime.Goexit(); return time.Time{} },
	"goes back":    func(_ <-chan struct{}, after time.Time) time.Time { return after.Add(-time.Hour) },
	"stands still": func(_ <-chan struct{}, after time.Time) time.Time { return after },
	"hangs":        func(release <-chan struct{}, after time.Time) time.Time { <-release; return after.Add(time.Hour) },
}

// excluding is a calendar that does what its function does.
type excluding func(time.Time) time.Time

func (e excluding) Excluded(t time.Time) (time.Time, bool) {
	until := e(t)
	return until, until.After(t)
}

// places are where foreign code can stand in a schedule.
var places = map[string]func(next func(time.Time) time.Time) periodic.Schedule{
	"alone": func(next func(time.Time) time.Time) periodic.Schedule { return badSchedule{next} },
	"union": func(next func(time.Time) time.Time) periodic.Schedule {
		return periodic.Union(periodic.Every(time.Hour), badSchedule{next})
	},
	"bounded": func(next func(time.Time) time.Time) periodic.Schedule {
		return periodic.Bounded(badSchedule{next}, time.Time{}, time.Time{})
	},
	"calendar": func(next func(time.Time) time.Time) periodic.Schedule {
		return periodic.Except(periodic.Every(time.Second), excluding(func(t time.Time) time.Time { next(t); return t }))
	},
}

func TestForeignCodeInAScheduleConcernsItsJobAlone(t *testing.T) {
	for misdeed, do := range misdeeds {
		for place, schedule := range places {
			if place == "calendar" && (misdeed == "goes back" || misdeed == "stands still") {
				continue // a calendar cannot
			}
			for _, good := range []int{0, 3} { // calls before it goes wrong
				t.Run(misdeed+" "+place, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { foreign(t, good, do, schedule) })
				})
			}
		}
	}
}

func foreign(t *testing.T, good int, do func(<-chan struct{}, time.Time) time.Time, schedule func(func(time.Time) time.Time) periodic.Schedule) {
	release := newGate()
	var calls atomic.Int64
	bad := schedule(func(after time.Time) time.Time {
		if calls.Add(1) > int64(good) {
			return do(release, after)
		}
		return after.Add(time.Second)
	})
	var log bytes.Buffer
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	healthy := add(t, s, periodic.Config{Name: "healthy", Schedule: periodic.Every(time.Second), Phase: -1}, nothing)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sick, err := periodic.New(periodic.Config{Name: "sick", Schedule: bad}, nothing)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	added := s.Add(sick)
	if d := time.Since(before); d > time.Second {
		t.Errorf("Add took %v", d)
	}
	pass(10*time.Second - time.Since(before) + time.Millisecond)
	if n := healthy.Stats().Runs[periodic.Succeeded]; n != 10 {
		t.Errorf("%d runs of the other job, want 10", n)
	}
	stats := sick.Stats()
	hung := !stats.StuckInNext.IsZero()
	switch {
	case hung && (added != nil || !strings.Contains(log.String(), `msg="schedule does not return from Next" job=sick`)):
		t.Errorf("Add: %v, log %s", added, log.String())
	case !hung && added == nil && (stats.Active || sick.Err() == nil || !strings.Contains(sick.Err().Error(), `"sick"`) ||
		!strings.Contains(log.String(), "job=sick")):
		t.Errorf("active %v, error %v, log %s", stats.Active, sick.Err(), log.String())
	case added != nil && !strings.Contains(added.Error(), `"sick"`):
		t.Errorf("Add: %v", added)
	}
	before = time.Now()
	stopped := s.Stop(within(t, time.Minute))
	if !hung && (stopped != nil || time.Since(before) > 0) {
		t.Errorf("Stop: %v after %v", stopped, time.Since(before))
	}
	if hung && (stopped == nil || !strings.Contains(stopped.Error(), "sick (Next of its Schedule)") || strings.Contains(stopped.Error(), "healthy") || s.Stuck() != 1) {
		t.Errorf("Stop: %v, %d stuck", stopped, s.Stuck())
	}
	close(release)
	synctest.Wait()
	if n := s.Stuck(); n != 0 {
		t.Errorf("%d stuck in the end", n)
	}
}

func newGate() chan struct{} { return make(chan struct{}) }

func TestAScheduleThatComesBackGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, release := newLog(), make(chan struct{})
		var calls atomic.Int64
		// QueueOne: the run of the slot that hung may be on when those behind it are due.
		j := start(t, periodic.Config{Overlap: periodic.QueueOne, Schedule: badSchedule{func(after time.Time) time.Time {
			if calls.Add(1) == 3 {
				<-release
			}
			return after.Truncate(time.Second).Add(time.Second)
		}}}, l.run(0))
		pass(9500 * time.Millisecond)
		if at := j.Stats().StuckInNext; !at.Equal(l.zero.Add(2 * time.Second)) {
			t.Errorf("stuck since %v", at.Sub(l.zero))
		}
		close(release)
		synctest.Wait()
		if s := j.Stats(); !s.StuckInNext.IsZero() || !s.Active {
			t.Errorf("stats %+v", s)
		}
		pass(time.Second)
		l.want(t, seconds(1, 2, 9, 10)...) // the slot that hung, and what Missed makes of those behind it
	})
}

func TestManyJobsThatHangAtTheStartHoldItUpForASecondTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields("a b c d e f g") {
			add(t, s, periodic.Config{Name: name, Schedule: badSchedule{func(after time.Time) time.Time { <-release; return after.Add(time.Second) }}}, nothing)
		}
		before := time.Now()
		if err := s.Start(t.Context()); err != nil || time.Since(before) != time.Second {
			t.Errorf("Start: %v after %v", err, time.Since(before))
		}
		close(release)
		pass(1500 * time.Millisecond)
		for _, j := range s.Jobs() {
			if n := j.Stats().Runs[periodic.Succeeded]; n == 0 {
				t.Errorf("%s has not run", j.Name())
			}
		}
		stop(t, s)
	})
}

func TestAJobThatHangsCanBeGivenAnotherSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, release := newLog(), make(chan struct{})
		hang := badSchedule{func(after time.Time) time.Time { <-release; return after.Add(time.Second) }}
		j := start(t, periodic.Config{Schedule: hang}, l.run(0))
		before := time.Now()
		if err := j.SetSchedule(hang); err == nil || time.Since(before) != time.Second {
			t.Errorf("another that hangs: %v after %v", err, time.Since(before))
		}
		if err := j.SetSchedule(periodic.Every(time.Second)); err != nil {
			t.Error(err)
		}
		pass(1500 * time.Millisecond)
		if s := j.Stats(); l.count() != 1 || !s.StuckInNext.IsZero() {
			t.Errorf("%d runs, stuck since %v", l.count(), s.StuckInNext)
		}
		close(release)
		pass(time.Second)
		if l.count() != 2 {
			t.Errorf("%d runs", l.count())
		}
	})
}

// unkind is a handler that does what its function does.
type unkind struct {
	slog.Handler
	handle func()
}

func (u unkind) Handle(context.Context, slog.Record) error { u.handle(); return nil }

func TestALogHandlerThatHangsOrExitsHoldsUpNoJob(t *testing.T) {
	for name, handle := range map[string]func(<-chan struct{}){
		"hangs": func(release <-chan struct{}) { <-release },
		"exits": func(<-chan struct{}) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				h := unkind{slog.NewTextHandler(&bytes.Buffer{}, nil), func() { handle(release) }}
				s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
				if err != nil {
					t.Fatal(err)
				}
				add(t, s, periodic.Config{Name: "once", Schedule: periodic.At(), Logger: slog.New(h)}, nothing)
				other := add(t, s, periodic.Config{Name: "other", Schedule: periodic.Every(time.Second), Phase: -1}, nothing)
				if err := s.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				pass(5 * time.Second)
				if n := other.Stats().Runs[periodic.Succeeded]; n != 5 {
					t.Errorf("%d runs, want 5", n)
				}
				close(release)
				stop(t, s)
			})
		})
	}
}

// dying is a clock whose Now ends its goroutine once it is told to.
type dying struct {
	clock.Clock
	end atomic.Pointer[func()]
}

func (d *dying) Now() time.Time {
	if end := d.end.Load(); end != nil {
		(*end)()
	}
	return d.Clock.Now()
}

func TestAClockThatFailsEndsTheJobsWithAnError(t *testing.T) {
	for name, end := range map[string]func(){"panics": func() { panic("no time") }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &dying{Clock: clock.New()}
				j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), Clock: c}, nothing)
				pass(1500 * time.Millisecond)
				c.end.Store(&end)
				pass(time.Second)
				<-j.Done()
				var caught *lifecycle.PanicError
				if err := j.Err(); !errors.As(err, &caught) || !strings.Contains(err.Error(), "Clock") {
					t.Errorf("Err %v", err)
				}
				c.end.Store(nil)
			})
		})
	}
}
