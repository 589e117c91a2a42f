package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestPoliciesOutOfBoundsAreErrors(t *testing.T) {
	ok := periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}
	for name, change := range map[string]func(*periodic.Config){
		"Name":        func(c *periodic.Config) { c.Name = "" },
		"Overlap":     func(c *periodic.Config) { c.Overlap = periodic.Queue(0) },
		"Overlap ":    func(c *periodic.Config) { c.Overlap = periodic.Parallel(-1) },
		"Overlap  ":   func(c *periodic.Config) { c.Overlap = periodic.Queue(math.MaxInt32) },
		"Overlap   ":  func(c *periodic.Config) { c.Overlap = math.MaxInt32 },
		"Missed":      func(c *periodic.Config) { c.Missed = periodic.CatchUp(0) },
		"Missed ":     func(c *periodic.Config) { c.Missed = periodic.CatchUp(1 << 30) },
		"Jitter":      func(c *periodic.Config) { c.Jitter = -1 },
		"Timeout":     func(c *periodic.Config) { c.Timeout = -1 },
		"MissedGrace": func(c *periodic.Config) { c.MissedGrace = -1 },
		"GiveUpAfter": func(c *periodic.Config) { c.GiveUpAfter = -1 },
		"History":     func(c *periodic.Config) { c.History = 1 << 30 },
		"Phase":       func(c *periodic.Config) { c.Phase = math.MaxInt64 },
		"Retry":       func(c *periodic.Config) { c.Retry.Attempts = -1 },
		"Retry ":      func(c *periodic.Config) { c.Retry = periodic.Retry{Attempts: 2, Initial: -1} },
		"Retry  ":     func(c *periodic.Config) { c.Retry = periodic.Retry{Attempts: 2, Initial: 2, Max: 1} },
		"Retry   ":    func(c *periodic.Config) { c.Retry = periodic.Retry{Attempts: 2, Initial: 1, Factor: math.NaN()} },
		"Retry    ":   func(c *periodic.Config) { c.Retry = periodic.Retry{Initial: 1} },
		"Retry     ":  func(c *periodic.Config) { c.Retry = periodic.Retry{Attempts: 1, Max: 1} },
	} {
		cfg := ok
		change(&cfg)
		if _, err := periodic.New(cfg, nothing); err == nil {
			t.Errorf("a wrong %s was accepted", name)
		}
	}
	if _, err := periodic.New(ok, nil); err == nil {
		t.Error("a nil function was accepted")
	}
	names := fmt.Sprint(periodic.SkipOverlap, periodic.QueueOne, periodic.Queue(3), periodic.Parallel(1), periodic.Parallel(2),
		periodic.Replace, periodic.Queue(0), periodic.Coalesce, periodic.SkipMissed, periodic.CatchUp(4), periodic.CatchUp(-1))
	if names != "SkipOverlap QueueOne Queue(3) SkipOverlap Parallel(2) Replace invalid Coalesce SkipMissed CatchUp(4) invalid" {
		t.Error(names)
	}
}

// A run of 35 s meets slots each 10 s.
func TestOverlapPolicies(t *testing.T) {
	for _, tc := range []struct {
		overlap periodic.Overlap
		slots   []time.Duration
		began   []time.Duration
		most    int
		skipped uint64
	}{
		{periodic.SkipOverlap, seconds(10, 50, 90), seconds(10, 50, 90), 1, 6},
		{periodic.QueueOne, seconds(10, 20, 50), seconds(10, 45, 80), 1, 5},
		{periodic.Queue(2), seconds(10, 20, 30), seconds(10, 45, 80), 1, 4},
		{periodic.Parallel(2), seconds(10, 20, 50, 60, 90), seconds(10, 20, 50, 60, 90), 2, 4},
		{periodic.Parallel(9), seconds(10, 20, 30, 40, 50, 60, 70, 80, 90), seconds(10, 20, 30, 40, 50, 60, 70, 80, 90), 4, 0},
	} {
		t.Run(tc.overlap.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				var g gauge
				j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: tc.overlap}, func(ctx context.Context) error {
					defer g.enter()()
					return l.run(35 * time.Second)(ctx)
				})
				pass(95 * time.Second)
				l.want(t, tc.slots...)
				l.wantBegan(t, tc.began...)
				if s := j.Stats(); s.Skipped != (periodic.Skips{Overlap: tc.skipped}) || g.most() != tc.most {
					t.Errorf("skips %+v, %d at a time", s.Skipped, g.most())
				}
			})
		})
	}
}

func TestReplaceCancelsTheRunAndStartsAfterItReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var g gauge
		var causes errorLog
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: periodic.Replace}, func(ctx context.Context) error {
			defer g.enter()()
			l.note(ctx)
			err := sleep(ctx, 15*time.Second)
			causes.add(err)
			if l.count() == 2 {
				time.Sleep(25 * time.Second) // takes its time to leave, while two more slots come
			}
			return err
		})
		pass(57 * time.Second)
		l.want(t, seconds(10, 20, 50)...)
		l.wantBegan(t, seconds(10, 20, 55)...)
		if got := causes.all(); len(got) != 2 || !errors.Is(got[0], periodic.ErrReplaced) || !errors.Is(got[1], periodic.ErrReplaced) {
			t.Errorf("causes %v", got)
		}
		s := j.Stats()
		if g.most() != 1 || s.Runs[periodic.Canceled] != 2 || s.Skipped.Overlap != 2 || s.Streak != 0 {
			t.Errorf("%d at a time, stats %+v", g.most(), s)
		}
	})
}

func TestMissedSlotsOfACalendarGiveTheLatestOne(t *testing.T) {
	for _, tc := range []struct {
		missed periodic.Missed
		grace  time.Duration
		slots  []time.Duration
		skips  uint64
	}{
		{periodic.Coalesce, 0, []time.Duration{180 * time.Minute}, 179},
		{periodic.Coalesce, 10 * time.Second, nil, 180},
		{periodic.SkipMissed, 0, nil, 180},
		{periodic.CatchUp(3), 0, []time.Duration{178 * time.Minute, 179 * time.Minute, 180 * time.Minute}, 177},
		{periodic.CatchUp(9), 90 * time.Second, []time.Duration{179 * time.Minute, 180 * time.Minute}, 178},
		{periodic.CatchUp(1000), 0, nil, 0},
	} {
		t.Run(fmt.Sprint(tc.missed, tc.grace), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				var g gauge
				j := start(t, periodic.Config{Schedule: cron(t, "* * * * *", nil), Missed: tc.missed, MissedGrace: tc.grace}, func(ctx context.Context) error {
					defer g.enter()()
					return l.run(time.Millisecond)(ctx)
				})
				j.Pause()
				pass(3*time.Hour + 20*time.Second)
				j.Resume()
				pass(10 * time.Second)
				if tc.missed == periodic.CatchUp(1000) {
					for m := range 180 {
						tc.slots = append(tc.slots, time.Duration(m+1)*time.Minute)
					}
				}
				l.want(t, tc.slots...)
				if s := j.Stats(); s.Skipped != (periodic.Skips{Paused: tc.skips}) || g.most() > 1 {
					t.Errorf("skips %+v, %d at a time", s.Skipped, g.most())
				}
			})
		})
	}
}

// A schedule with slots at irregular distances has no shortcut; the search for
// the latest ones must agree with walking.
func TestCatchingUpFindsTheSameSlotsAsWalking(t *testing.T) {
	irregular := periodic.Union(cron(t, "*/7 3 * * *", nil), cron(t, "0 0 13 * FRI", nil), cron(t, "59 59 23 L * *", nil))
	for _, gone := range []time.Duration{4 * time.Hour, 26 * time.Hour, 20 * 24 * time.Hour, 100*24*time.Hour + time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			var want []time.Duration
			for at := irregular.Next(l.zero); !at.After(l.zero.Add(gone)); at = irregular.Next(at) {
				want = append(want, at.Sub(l.zero))
			}
			j := start(t, periodic.Config{Schedule: irregular, Missed: periodic.CatchUp(25)}, l.run(0))
			j.Pause()
			pass(gone)
			j.Resume()
			pass(time.Millisecond)
			l.want(t, want[max(len(want)-25, 0):]...)
			if n := int(j.Stats().Skipped.Total()) + l.count(); n != len(want) {
				t.Errorf("%d slots are accounted for, there were %d", n, len(want))
			}
		})
	}
}

func TestALongGapCostsLittle(t *testing.T) {
	for name, s := range map[string]periodic.Schedule{
		"rate": periodic.Every(10 * time.Millisecond), "calendar": cron(t, "* * * * * *", nil),
		"union": periodic.Union(periodic.Every(time.Millisecond), cron(t, "* * * * * *", nil)),
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			c := &counted{Schedule: s}
			if name == "rate" {
				c = nil
			} else {
				s = c
			}
			j := start(t, periodic.Config{Schedule: s}, l.run(0))
			j.Pause()
			pass(395 * 24 * time.Hour)
			if c != nil {
				c.asked = 0
			}
			j.Resume()
			synctest.Wait()
			if l.count() != 1 || l.slots[0] != 395*24*time.Hour {
				t.Errorf("%s: runs for %v", name, l.slots)
			}
			if c != nil && c.asked > 1300 {
				t.Errorf("%s: the schedule was asked %d times", name, c.asked)
			}
		})
	}
}

// counted counts questions to a schedule, and hides what it is.
type counted struct {
	periodic.Schedule
	asked int
}

func (c *counted) Next(after time.Time) time.Time {
	c.asked++
	return c.Schedule.Next(after)
}

func TestAOneShotSurvivesPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.At(l.zero.Add(10 * time.Second))}, l.run(0))
		j.Pause()
		pass(time.Minute)
		select {
		case <-j.Done():
			t.Error("ended while paused")
		default:
		}
		j.Resume()
		synctest.Wait()
		l.want(t, 10*time.Second)
		l.wantBegan(t, time.Minute)
		<-j.Done()
		if err := j.Err(); err != nil {
			t.Errorf("Err after the last slot: %v", err)
		}
		if err := j.Trigger(); !errors.Is(err, periodic.ErrNotRunning) {
			t.Errorf("trigger after the end: %v", err)
		}
	})
}

func TestAgainRunsAtOnceForTheSameSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, func(ctx context.Context) error {
			l.note(ctx)
			time.Sleep(time.Second)
			if l.count()%3 != 0 {
				return fmt.Errorf("table not empty: %w", periodic.ErrAgain)
			}
			return nil
		})
		pass(25 * time.Second)
		l.want(t, seconds(10, 10, 10, 20, 20, 20)...)
		l.wantBegan(t, seconds(10, 11, 12, 20, 21, 22)...)
		if s := j.Stats(); s.Runs[periodic.Succeeded] != 6 || s.Last.Err != nil {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestAgainUnderFixedDelayDelaysOnlyAfterTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start(t, periodic.Config{Schedule: periodic.After(10 * time.Second)}, func(ctx context.Context) error {
			l.note(ctx)
			time.Sleep(15 * time.Second)
			if l.count() == 1 {
				return periodic.ErrAgain
			}
			return nil
		})
		pass(55 * time.Second)
		l.wantBegan(t, seconds(10, 25, 50)...)
	})
}

func TestAgainEndsWithPauseAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Minute), RunAtStart: true}, func(ctx context.Context) error {
			l.note(ctx)
			time.Sleep(time.Second)
			return periodic.ErrAgain
		})
		pass(5500 * time.Millisecond)
		j.Pause()
		pass(10 * time.Second)
		l.wantBegan(t, seconds(0, 1, 2, 3, 4, 5)...)
		j.Resume()
		pass(45500 * time.Millisecond)
		stop(t, j)
		n := l.count()
		pass(10 * time.Second)
		if l.count() != n || n != 8 {
			t.Errorf("%d runs, %d at Stop", l.count(), n)
		}
	})
}

func TestSetSchedule(t *testing.T) {
	every, after := periodic.Every, periodic.After
	for name, tc := range map[string]struct {
		old, new periodic.Schedule
		began    []time.Duration // a run takes 5 s; the change comes at 47 s
	}{
		"shorter period counts from the last slot": {every(20 * time.Second), every(8 * time.Second), seconds(20, 40, 48, 56, 64)},
		"longer period counts from the last slot":  {every(20 * time.Second), every(30 * time.Second), seconds(20, 40, 70)},
		"first period counts from now":             {every(time.Hour), every(10 * time.Second), seconds(57, 67)},
		"delay counts from the end of the run":     {every(20 * time.Second), after(10 * time.Second), seconds(20, 40, 55, 70)},
		"delay that is over":                       {every(20 * time.Second), after(time.Second), seconds(20, 40, 47, 53, 59, 65, 71)},
		"calendar counts from now":                 {every(20 * time.Second), cron(t, "* * * * *", nil), seconds(20, 40, 60)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				j := start(t, periodic.Config{Schedule: tc.old}, l.run(5*time.Second))
				pass(47 * time.Second)
				if err := j.SetSchedule(every(0)); err == nil {
					t.Error("a wrong schedule was accepted")
				}
				for range 2 { // a second time in the same instant changes nothing
					if err := j.SetSchedule(tc.new); err != nil {
						t.Error(err)
					}
				}
				pass(24 * time.Second)
				l.wantBegan(t, tc.began...)
			})
		})
	}
}

func TestSetScheduleLeavesTheRunAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var failed errorLog
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, func(ctx context.Context) error {
			l.note(ctx)
			err := sleep(ctx, 7*time.Second)
			failed.add(err)
			return err
		})
		pass(12 * time.Second)
		if err := j.SetSchedule(periodic.After(time.Second)); err != nil {
			t.Error(err)
		}
		pass(7 * time.Second)
		l.wantBegan(t, seconds(10, 18)...)
		if !slices.Equal(failed.all(), []error{nil}) {
			t.Errorf("the run ended with %v", failed.all())
		}
		if s := j.Stats(); s.Skipped.Total() != 0 {
			t.Errorf("a slot was due during the run: %+v", s.Skipped)
		}
		if err := j.SetSchedule(periodic.At()); err != nil { // no slot any more
			t.Error(err)
		}
		<-j.Done()
		if err := j.SetSchedule(periodic.Every(time.Second)); !errors.Is(err, periodic.ErrNotRunning) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestSetScheduleBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Hour), Phase: -1}, l.run(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := j.SetSchedule(periodic.Every(time.Second)); err != nil {
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

func TestOverloadIsCountedAndSomethingStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Millisecond), Missed: periodic.SkipMissed}, l.run(50*time.Millisecond))
		pass(time.Second)
		s := j.Stats()
		if total := s.Skipped.Total() + uint64(l.count()); total != 1000 || l.count() < 19 {
			t.Errorf("%d runs, %d slots accounted for of 1000", l.count(), total)
		}
	})
}
