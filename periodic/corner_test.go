package periodic_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/steadgo/stead/periodic"
)

// Corners where two settings meet, or one meets a time, an order or an end of a
// goroutine that nobody thinks of.

// The smallest timeout is over before the run's goroutine is there, as a longer
// one is on a machine that has no time for it.
func TestATimeoutThatIsOverBeforeTheRunBeginsIsATimeout(t *testing.T) {
	j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.After(time.Millisecond), Timeout: 1},
		func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // and a fixed delay goes on after it
		before := j.Stats().Runs[periodic.TimedOut]
		for j.Stats().Runs[periodic.TimedOut] == before {
			if s := j.Stats().Skipped; s.Total() > 0 {
				t.Fatalf("skipped %+v", s)
			}
			runtime.Gosched()
		}
	}
	stop(t, j)
}

func TestADistantSlotIsNotDueNow(t *testing.T) {
	for _, year := range []int{2262, 2263, 2500, 2800, 3100, 9999} {
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			at := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)
			j := start(t, periodic.Config{Schedule: periodic.At(at)}, l.run(0))
			pass(time.Hour)
			if !j.Next().Equal(at) {
				t.Errorf("next is %v, want %v", j.Next(), at)
			}
			if err := j.SetSchedule(periodic.At(at.AddDate(1, 0, 0))); err != nil {
				t.Error(err)
			}
			pass(time.Hour)
			stop(t, j)
			l.want(t)
		})
	}
}

func TestAFixedDelaySetAfterAClockChangeCountsFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newWallClock(), newLog()
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Hour), RunAtStart: true, Clock: c}, l.run(0))
		if err != nil {
			t.Fatal(err)
		}
		j.Pause() // takes the run of RunAtStart away: there is a past, but no run in it
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		c.set(10 * time.Minute)
		j.Resume() // makes the scheduler look at the clock
		pass(time.Second)
		if err := j.SetSchedule(periodic.After(time.Minute)); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		stop(t, j)
		l.want(t)
	})
}

// slowClock takes its time, once, when it is asked to.
type slowClock struct {
	clock.Clock
	once atomic.Bool
}

func (c *slowClock) Since(t time.Time) time.Duration {
	if c.once.CompareAndSwap(true, false) {
		time.Sleep(10 * time.Second)
	}
	return c.Clock.Since(t)
}

func TestAFixedDelaySetWhileTheRunEndsCountsFromThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := &slowClock{Clock: clock.New()}, newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour), RunAtStart: true, Clock: c}, l.run(10*time.Second))
		pass(5 * time.Second)
		c.once.Store(true) // what SetSchedule asked first is old when it goes on, at 15 s
		if err := j.SetSchedule(periodic.After(time.Minute)); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		stop(t, j)
		l.want(t, seconds(0, 70)...)
	})
}

func TestATimeoutOfCenturiesIsNotOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]clock.Clock{"real": nil, "given": newWallClock()} {
			l := newLog()
			j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour), RunAtStart: true, Timeout: math.MaxInt64, Clock: c}, l.run(time.Minute))
			pass(5 * time.Minute)
			if s := j.Stats(); s.Runs[periodic.Succeeded] != 1 || s.OverdueRuns != 0 {
				t.Errorf("%s clock: %+v", name, s)
			}
		}
	})
}

// ordered is a store that keeps all that was saved.
type ordered struct {
	mu    sync.Mutex
	saved []time.Time
}

func (o *ordered) LastRun(context.Context, string) (time.Time, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.saved) == 0 {
		return time.Time{}, nil
	}
	return o.saved[len(o.saved)-1], nil
}

func (o *ordered) SaveLastRun(_ context.Context, _ string, slot time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.saved = append(o.saved, slot)
	return nil
}

func TestASlowRunBesideOthersDoesNotSetTheLastRunBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		store := new(ordered)
		cfg := periodic.Config{
			Name: "j", Schedule: cron(t, "* * * * *", nil), LastRun: store,
			Overlap: periodic.Parallel(3), Missed: periodic.CatchUp(10),
		}
		var first sync.Once
		j := start(t, cfg, func(ctx context.Context) error {
			l.note(ctx)
			took := time.Duration(0)
			first.Do(func() { took = 150 * time.Second })
			return sleep(ctx, took)
		})
		pass(215 * time.Second) // slots at 1, 2 and 3 minutes; the first run ends at 3:30
		stop(t, j)
		j = start(t, cfg, l.run(0))
		pass(30 * time.Second)
		stop(t, j)
		l.want(t, seconds(60, 120, 180, 240)...)
	})
}

func TestAStartForgetsTheErrorOfTheLifeBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bad atomic.Bool
		s := badSchedule{func(after time.Time) time.Time {
			if bad.Load() {
				panic("boom")
			}
			return after.Truncate(time.Second).Add(time.Second)
		}}
		j := start(t, periodic.Config{Schedule: s}, func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		})
		pass(1500 * time.Millisecond)
		bad.Store(true) // a run is on, and there is no slot after the next
		pass(time.Second)
		if err := j.Stop(within(t, time.Second)); err == nil {
			t.Error("a run is on, and Stop says nothing")
		}
		if err := j.SetSchedule(periodic.At()); err != nil {
			t.Fatal(err)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		<-j.Done()
		if err := j.Err(); err != nil {
			t.Errorf("the schedule has ended, and the error is %v", err)
		}
		stop(t, j)
	})
}

// exiting ends the goroutine of whoever saves.
type exiting struct{ ordered }

func (*exiting) SaveLastRun(context.Context, string, time.Time) error {
	runtime.Goexit()
	return errors.New("unreachable")
}

// loading does what its function does when it is asked for the last run.
type loading struct {
	memory
	load func()
}

func (l *loading) LastRun(context.Context, string) (time.Time, error) {
	l.load()
	return time.Time{}, nil
}

func TestAStoreThatExitsOrIgnoresItsContextDoesNotHoldUpTheStart(t *testing.T) {
	release := make(chan struct{})
	for name, load := range map[string]func(){"exits": runtime.Goexit, "hangs": func() { <-release }} {
		t.Run(name, func(t *testing.T) {
			j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Hour), LastRun: &loading{load: load}}, nothing)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if name == "hangs" {
				cancel()
			}
			if err := j.Start(ctx); err != nil || j.Next().IsZero() {
				t.Errorf("Start: %v, next %v", err, j.Next())
			}
			cancel()
			stop(t, j)
			if name == "hangs" {
				close(release)
			}
		})
	}
}

func TestACallbackThatEndsItsGoroutineHoldsUpNobody(t *testing.T) {
	fail := func(context.Context) error { return errors.New("no") }
	for name, cfg := range map[string]periodic.Config{
		"OnGiveUp": {GiveUpAfter: 1, OnGiveUp: func(context.Context, error) { runtime.Goexit() }},
		"LastRun":  {LastRun: new(exiting)},
		"OnRun":    {OnRun: func(periodic.Run) { runtime.Goexit() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg.Schedule = periodic.Every(time.Second)
				j := start(t, cfg, fail)
				pass(2500 * time.Millisecond)
				if n := j.Stats().Running; n > 0 {
					t.Errorf("%d runs are on", n)
				}
				if err := j.Stop(within(t, time.Second)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAQuestionMarkWithAStepIsAStarWithAStep(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, pair := range [][2]string{
		{"0 0 ?/2 * MON", "0 0 */2 * MON"}, {"0 0 13 * ?/2", "0 0 13 * */2"}, {"?/20 ? ? ? ?", "*/20 * * * *"}, {"0 0 ? * FRI", "0 0 * * FRI"},
	} {
		mark, star := cron(t, pair[0], nil), cron(t, pair[1], nil)
		for a, b, i := at, at, 0; i < 50; i++ {
			if a, b = mark.Next(a), star.Next(b); !a.Equal(b) {
				t.Errorf("%q is due at %v, and %q at %v", pair[0], a, pair[1], b)
				break
			}
		}
	}
}

func TestANilOptionIsAnErrorThatSaysWhich(t *testing.T) {
	const want = "option 2 of 2 is nil"
	if _, err := periodic.NewTicker(time.Second, periodic.Coalesce, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("NewTicker: %v", err)
	}
	if _, err := periodic.Cron("* * * * *", nil, periodic.AndDays(), nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Cron: %v", err)
	}
	if _, err := periodic.DailyAt("06:30", nil, periodic.AndDays(), nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("DailyAt: %v", err)
	}
}
