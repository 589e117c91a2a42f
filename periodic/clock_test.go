package periodic_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/steadgo/stead/periodic"
)

// wallClock is the bubble's clock with a wall reading that can be set, as a
// machine's can: Since and the timers run on regardless. A machine that wakes
// from a suspend looks the same to a program, because its monotonic clock and
// timers stood still.
type wallClock struct {
	clock.Clock
	ahead atomic.Int64
}

func newWallClock() *wallClock { return &wallClock{Clock: clock.New()} }

func (c *wallClock) Now() time.Time       { return c.Clock.Now().Add(time.Duration(c.ahead.Load())) }
func (c *wallClock) set(by time.Duration) { c.ahead.Add(int64(by)) }

func TestRatesAndDelaysDoNotCareForTheWallClock(t *testing.T) {
	for _, by := range []time.Duration{8 * time.Hour, 30 * 24 * time.Hour, -time.Hour, -1000 * time.Hour, time.Second} {
		for name, s := range map[string]periodic.Schedule{"rate": periodic.Every(10 * time.Second), "delay": periodic.After(10 * time.Second)} {
			t.Run(name+" "+by.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, l := newWallClock(), newLog()
					j := start(t, periodic.Config{Schedule: s, Clock: c, Jitter: 0}, l.run(0))
					pass(15 * time.Second)
					c.set(by)
					pass(20 * time.Second)
					l.wantBegan(t, seconds(10, 20, 30)...)
					// The slots speak of the new time once the jump is noticed, at the next wake-up.
					l.want(t, 10*time.Second, 20*time.Second+by, 30*time.Second+by)
					if s := j.Stats(); s.Skipped.Total() != 0 || s.Lateness.Sum != 0 || s.Next.Sub(l.zero) != 40*time.Second+by {
						t.Errorf("stats %+v", s)
					}
				})
			})
		}
	}
}

func TestRetryAndTimeoutDoNotCareForTheWallClock(t *testing.T) {
	for _, by := range []time.Duration{7 * time.Hour, -7 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			c, l := newWallClock(), newLog()
			j := start(t, periodic.Config{
				Schedule: periodic.Every(10 * time.Second), Clock: c, Timeout: 3 * time.Second, Overlap: periodic.Parallel(2),
				Retry: periodic.Retry{Attempts: 5, Initial: 20 * time.Second},
			}, func(ctx context.Context) error {
				l.note(ctx)
				if periodic.Scheduled(ctx).IsZero() || l.count() > 1 {
					return nil
				}
				<-ctx.Done()
				if d := time.Since(l.zero); d != 13*time.Second {
					t.Errorf("timed out at %v", d)
				}
				return ctx.Err()
			})
			pass(11 * time.Second)
			c.set(by)
			if err := j.Trigger(); err != nil { // makes the scheduler look at the clock
				t.Error(err)
			}
			pass(2 * time.Second)
			c.set(by)
			pass(time.Second)
			if s := j.Stats(); s.Runs[periodic.TimedOut] != 1 || s.Streak != 1 && l.count() == 2 {
				t.Errorf("stats %+v", s)
			}
			pass(20 * time.Second)
			if s := j.Stats(); s.Streak != 0 {
				t.Errorf("no run after the backoff: %+v", s)
			}
		})
	}
}

func TestTriggerRunsAtOnceThoughTheWallClockWasJustSet(t *testing.T) {
	for _, by := range []time.Duration{time.Minute, -time.Minute, -7 * time.Hour} {
		for name, s := range map[string]periodic.Schedule{"rate": periodic.Every(time.Hour), "calendar": cron(t, "@daily", nil)} {
			t.Run(fmt.Sprint(name, by), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, l := newWallClock(), newLog()
					j := start(t, periodic.Config{Schedule: s, Clock: c}, l.run(0))
					pass(time.Second)
					c.set(by)
					if err := j.Trigger(); err != nil {
						t.Error(err)
					}
					pass(time.Nanosecond)
					if n := l.count(); n != 1 {
						t.Errorf("%d runs, want the one that was asked for", n)
					}
					if late := j.Stats().Lateness.Sum; late != 0 {
						t.Errorf("it counts as %v late", late)
					}
				})
			})
		}
	}
}

func TestACalendarRunsOnceWhenTheClockIsSetForwardOrTheMachineSlept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newWallClock(), newLog()
		j := start(t, periodic.Config{Schedule: cron(t, "*/10 * * * *", nil), Clock: c}, l.run(0))
		pass(5 * time.Minute)
		c.set(8 * time.Hour)
		pass(30 * time.Second) // awake; the end of the sleep is noticed within this
		l.want(t, 8*time.Hour)
		pass(5 * time.Minute)
		l.want(t, 8*time.Hour, 8*time.Hour+10*time.Minute)
		if s := j.Stats(); s.Skipped != (periodic.Skips{Missed: 47}) {
			t.Errorf("skips %+v", s.Skipped)
		}
	})
}

func TestASleepOverASlotIsNoticedSoonAfterWaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newWallClock(), newLog()
		start(t, periodic.Config{Schedule: periodic.At(l.zero.Add(3 * time.Hour)), Clock: c}, l.run(0))
		pass(time.Minute)
		c.set(3*time.Hour - 2*time.Minute) // woken a minute before the slot
		pass(time.Minute)
		l.wantBegan(t, 2*time.Minute)
	})
}

func TestACalendarDoesNotRepeatSlotsWhenTheClockIsSetBackABit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newWallClock(), newLog()
		start(t, periodic.Config{Schedule: cron(t, "0 * * * *", nil), Clock: c}, l.run(0))
		pass(2*time.Hour + 5*time.Minute)
		c.set(-time.Hour)
		pass(4 * time.Hour) // the wall shows 05:05
		l.want(t, time.Hour, 2*time.Hour, 3*time.Hour, 4*time.Hour, 5*time.Hour)
		if at := l.began[2]; at != 4*time.Hour {
			t.Errorf("the slot after the change ran at %v", at)
		}
	})
}

func TestACalendarBeginsAnewWhenTheClockWasWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWallClock()
		c.set(10 * 365 * 24 * time.Hour)
		l := newLog()
		start(t, periodic.Config{Schedule: cron(t, "0 * * * *", nil), Clock: c}, l.run(0))
		pass(90 * time.Minute)
		c.set(-10 * 365 * 24 * time.Hour) // the time server answers
		pass(time.Hour)
		l.want(t, 10*365*24*time.Hour+time.Hour, 2*time.Hour)
	})
}

func TestWakingAHairTooEarlyFiresASlotOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newWallClock(), newLog()
		start(t, periodic.Config{Schedule: cron(t, "* * * * *", nil), Clock: c}, l.run(0))
		for range 20 { // the wall clock is slewed back by a millisecond each half minute
			pass(30 * time.Second)
			c.set(-time.Millisecond)
		}
		pass(time.Minute)
		l.mu.Lock()
		defer l.mu.Unlock()
		if !slices.IsSorted(l.slots) || len(slices.Compact(slices.Clone(l.slots))) != len(l.slots) || len(l.slots) < 10 || len(l.slots) > 11 {
			t.Errorf("slots %v", l.slots)
		}
		for i, slot := range l.slots {
			if late := l.began[i] - slot; late < 0 || late > 30*time.Millisecond {
				t.Errorf("slot %v began %v late", slot, late)
			}
		}
	})
}

func TestAJumpOfManyPeriodsDoesNotBlockTheScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newWallClock(), newLog()
		asked := &counted{Schedule: cron(t, "* * * * * *", nil)}
		j := start(t, periodic.Config{Schedule: asked, Clock: c}, l.run(0))
		pass(1500 * time.Millisecond)
		asked.asked = 0
		c.set(56 * 365 * 24 * time.Hour)
		pass(30 * time.Second)
		if asked.asked > 1300 {
			t.Errorf("the schedule was asked %d times", asked.asked)
		}
		if s := j.Stats(); s.Running != 0 || s.Skipped.Missed == 0 {
			t.Errorf("stats %+v", s)
		}
	})
}
