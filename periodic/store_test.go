package periodic_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

// memory is a store of one job.
type memory struct {
	mu   sync.Mutex
	last time.Time
	err  error
}

func (m *memory) LastRun(context.Context, string) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, m.err
}

func (m *memory) SaveLastRun(_ context.Context, _ string, slot time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = slot
	return m.err
}

func TestSlotsMissedWhileTheProcessWasDown(t *testing.T) {
	every, daily := periodic.Every(time.Hour), cron(t, "0 * * * *", nil)
	hours := func(n ...int) (ds []time.Duration) {
		for _, h := range n {
			ds = append(ds, time.Duration(h)*time.Hour)
		}
		return ds
	}
	for name, tc := range map[string]struct {
		schedule periodic.Schedule
		missed   periodic.Missed
		grace    time.Duration
		stored   time.Duration // before the start, which is at 10 hours and a half
		slots    []time.Duration
	}{
		"first start":          {daily, periodic.CatchUp(5), 0, -1, hours(11, 12)},
		"one run":              {daily, periodic.Coalesce, 0, 6 * time.Hour, hours(10, 11, 12)},
		"one run of a rate":    {every, periodic.Coalesce, 0, 6 * time.Hour, hours(10, 11, 12)},
		"all of them":          {daily, periodic.CatchUp(9), 0, 6 * time.Hour, hours(7, 8, 9, 10, 11, 12)},
		"some of them":         {every, periodic.CatchUp(2), 0, 6 * time.Hour, hours(9, 10, 11, 12)},
		"none":                 {daily, periodic.SkipMissed, 0, 6 * time.Hour, hours(11, 12)},
		"too late":             {daily, periodic.Coalesce, 10 * time.Minute, 6 * time.Hour, hours(11, 12)},
		"nothing missed":       {daily, periodic.Coalesce, 0, 10 * time.Hour, hours(11, 12)},
		"stored in the future": {daily, periodic.Coalesce, 0, 1000 * time.Hour, hours(11, 12)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, m := newLog(), new(memory)
				if tc.stored >= 0 {
					m.last = l.zero.Add(tc.stored)
				}
				pass(10*time.Hour + 30*time.Minute)
				j := start(t, periodic.Config{Schedule: tc.schedule, Missed: tc.missed, MissedGrace: tc.grace, LastRun: m}, l.run(time.Second))
				pass(time.Minute)
				if err := j.Trigger(); err != nil { // is not remembered
					t.Error(err)
				}
				pass(2 * time.Hour)
				stop(t, j)
				var slots []time.Duration
				for _, slot := range l.slots {
					if slot%time.Hour == 0 {
						slots = append(slots, slot)
					}
				}
				l.slots = slots
				l.want(t, tc.slots...)
				if last := m.last.Sub(l.zero); last != 12*time.Hour {
					t.Errorf("remembered %v", last)
				}
			})
		})
	}
}

func TestAMonthDownIsACheapStart(t *testing.T) {
	for name, s := range map[string]periodic.Schedule{"rate": periodic.Every(time.Second), "calendar": cron(t, "* * * * * *", nil)} {
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			asked := &counted{Schedule: s}
			cfg := periodic.Config{Schedule: s, MissedGrace: time.Minute, Missed: periodic.CatchUp(10), LastRun: &memory{last: l.zero.AddDate(0, 0, -30)}}
			if name == "calendar" {
				cfg.Schedule = asked
			}
			start(t, cfg, l.run(0))
			synctest.Wait()
			if l.count() != 10 || asked.asked > 2500 {
				t.Errorf("%s: %d runs at the start, %d questions", name, l.count(), asked.asked)
			}
			l.want(t, seconds(-9, -8, -7, -6, -5, -4, -3, -2, -1, 0)...)
		})
	}
}

func TestAStoreThatFailsIsLoggedAndTheJobGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := newRecorder()
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), LastRun: &memory{err: io.EOF}, Logger: logger}, l.run(0))
		pass(2500 * time.Millisecond)
		stop(t, j)
		l.want(t, seconds(1, 2)...)
		if n := strings.Count(lines.String(), "level=WARN"); n != 3 {
			t.Errorf("log:\n%s", lines)
		}
	})
}

func TestACancelledRunIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(memory)
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), LastRun: m}, func(ctx context.Context) error {
			return sleep(ctx, time.Hour)
		})
		pass(1500 * time.Millisecond)
		if err := j.Stop(within(t, time.Second)); err != nil {
			t.Error(err)
		}
		if !m.last.IsZero() {
			t.Errorf("remembered %v", m.last)
		}
	})
}

// panicky is a store that panics where it is told to.
type panicky struct{ load, save bool }

func (p panicky) LastRun(context.Context, string) (time.Time, error) {
	if p.load {
		panic("no such table")
	}
	return time.Time{}, nil
}

func (p panicky) SaveLastRun(context.Context, string, time.Time) error {
	if p.save {
		panic("no such table")
	}
	return nil
}

func TestAStoreThatPanicsIsLoggedAndTheJobGoesOn(t *testing.T) {
	for name, store := range map[string]panicky{"load": {load: true}, "save": {save: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logger, lines := newRecorder()
				l := newLog()
				j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), LastRun: store, Logger: logger}, l.run(0))
				pass(2500 * time.Millisecond)
				stop(t, j)
				l.want(t, seconds(1, 2)...)
				if s := j.Stats(); s.Runs[periodic.Succeeded] != 2 || s.Running != 0 {
					t.Errorf("stats %+v\n%s", s, lines)
				}
			})
		})
	}
}
