package periodic_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestFiveAttemptsANightAndThenTomorrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var mu sync.Mutex
		var attempts []int
		j := start(t, periodic.Config{
			Schedule: cron(t, "0 3 * * *", time.UTC),
			Retry:    periodic.Retry{Attempts: 5, Initial: 10 * time.Minute, Max: 20 * time.Minute},
			OnRun: func(r periodic.Run) {
				mu.Lock()
				defer mu.Unlock()
				attempts = append(attempts, r.Attempt)
			},
		}, func(ctx context.Context) error {
			l.note(ctx)
			return io.EOF
		})
		pass(48 * time.Hour)
		if want := []int{1, 2, 3, 4, 5, 1, 2, 3, 4, 5}; !slices.Equal(attempts, want) {
			t.Errorf("attempts %v, want %v", attempts, want)
		}
		for i, slot := range l.slots {
			if want := 3*time.Hour + time.Duration(i/5)*24*time.Hour; slot != want {
				t.Errorf("run %d is for the slot %v, want %v", i, slot, want)
			}
			if i%5 > 0 {
				bound := min(10*time.Minute<<(i%5-1), 20*time.Minute)
				if d := l.began[i] - l.began[i-1]; d < 0 || d > bound {
					t.Errorf("attempt %d came after %v of %v", i%5+1, d, bound)
				}
			}
		}
		if s := j.Stats(); s.Streak != 10 || !s.RetryAt.IsZero() || s.Skipped.Total() != 0 || s.History[0].Attempt != 5 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestTheDelayOfARetryIsAtMostAMinuteUnlessMaxSaysOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start(t, periodic.Config{
			Schedule: periodic.Every(24 * time.Hour), RunAtStart: true,
			Retry: periodic.Retry{Attempts: 30, Factor: 1e9},
		}, func(ctx context.Context) error {
			l.note(ctx)
			return io.EOF
		})
		pass(time.Hour)
		longest := time.Duration(0)
		for i := range len(l.began) - 1 {
			longest = max(longest, l.began[i+1]-l.began[i])
		}
		if len(l.began) != 30 || longest > time.Minute || longest < time.Second {
			t.Errorf("%d attempts, the longest delay is %v", len(l.began), longest)
		}
	})
}

func TestAttemptsEndWithTheNextSlotASuccessOrARunTheNextSlotFellInto(t *testing.T) {
	retry := periodic.Retry{Attempts: 1000, Initial: 3 * time.Second, Max: 3 * time.Second}
	for name, tc := range map[string]struct {
		cfg  periodic.Config
		took func(n int64) time.Duration
		ok   int64 // the run that succeeds
	}{
		"next slot of a rate":     {periodic.Config{Schedule: periodic.Every(10 * time.Second)}, nil, -1},
		"next slot of a calendar": {periodic.Config{Schedule: periodic.Union(cron(t, "* * * * *", time.UTC), periodic.At(time.Date(2000, 1, 1, 0, 0, 20, 0, time.UTC)))}, nil, -1},
		"next slot of a delay":    {periodic.Config{Schedule: periodic.After(10 * time.Second)}, nil, -1},
		"success":                 {periodic.Config{Schedule: periodic.Every(100 * time.Second)}, nil, 4},
		"slot that was skipped": {periodic.Config{Schedule: periodic.Every(10 * time.Second)}, func(n int64) time.Duration {
			return time.Duration(n%2) * 15 * time.Second
		}, -1},
		"slot that waits": {periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: periodic.QueueOne}, func(n int64) time.Duration {
			return time.Duration(n%2) * 15 * time.Second
		}, -1},
		"jitter": {periodic.Config{Schedule: periodic.Every(10 * time.Second), Jitter: 5 * time.Second}, nil, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				var n atomic.Int64
				cfg := tc.cfg
				cfg.Retry = retry
				j := start(t, cfg, func(ctx context.Context) error {
					l.note(ctx)
					i := n.Add(1)
					if tc.took != nil {
						_ = sleep(ctx, tc.took(i))
					}
					if i == tc.ok {
						return nil
					}
					return io.EOF
				})
				pass(5 * time.Minute)
				stop(t, j)
				l.mu.Lock()
				defer l.mu.Unlock()
				if !slices.IsSorted(l.slots) {
					t.Errorf("an attempt for a slot after the next was due: %v", l.slots)
				}
				if len(slices.Compact(slices.Clone(l.slots))) == len(l.slots) {
					t.Error("no run was made again")
				}
				if tc.ok > 0 && (l.slots[tc.ok-1] != l.slots[0] || l.slots[tc.ok] == l.slots[0]) {
					t.Errorf("slots %v", l.slots)
				}
			})
		})
	}
}

func TestATriggerThatFailsIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour), Retry: periodic.Retry{Attempts: 3}}, func(ctx context.Context) error {
			l.note(ctx)
			return io.EOF
		})
		if err := j.Trigger(); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if s := j.Stats(); l.count() != 3 || !s.Last.Trigger || s.Last.Attempt != 3 || l.slots[2] != 0 {
			t.Errorf("%d runs, last %+v", l.count(), s.Last)
		}
	})
}

func TestAJobGivesUpAfterSlotsNotAfterAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{
			Schedule: periodic.Every(time.Hour), Retry: periodic.Retry{Attempts: 4, Initial: time.Minute}, GiveUpAfter: 3,
		}, func(ctx context.Context) error {
			l.note(ctx)
			return io.EOF
		})
		pass(12 * time.Hour)
		if s := j.Stats(); !s.GaveUp || s.Streak != 12 || l.slots[11] != 3*time.Hour || !errors.Is(j.Err(), periodic.ErrGaveUp) {
			t.Errorf("slots %v, stats %+v", l.slots, s)
		}
	})
}

func TestOnRunIsToldEachRunAndHoldsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j *periodic.Job
		var got []periodic.Outcome
		var streaks []int
		hold := make(chan struct{})
		ready := make(chan struct{})
		run := byTurns(periodic.Succeeded, periodic.Failed, periodic.Panicked)
		j = start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), OnRun: func(r periodic.Run) {
			<-ready
			s := j.Stats() // no lock is held
			got, streaks = append(got, r.Outcome), append(streaks, s.Streak)
			if !s.Last.Started.Equal(r.Started) || s.Running != 1 {
				t.Errorf("OnRun got %+v, the stats have %+v", r, s.Last)
			}
			if len(got) == 3 {
				<-hold
				panic("the hook's own")
			}
		}}, run)
		close(ready)
		pass(45 * time.Second)
		if s := j.Stats(); !slices.Equal(got, []periodic.Outcome{periodic.Succeeded, periodic.Failed, periodic.Panicked}) ||
			!slices.Equal(streaks, []int{0, 1, 2}) || s.Skipped.Overlap != 1 || s.Last.Duration != 0 {
			t.Errorf("got %v, streaks %v, stats %+v", got, streaks, s)
		}
		stopped := make(chan error)
		go func() { stopped <- j.Stop(within(t, time.Hour)) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Error("Stop did not wait for OnRun")
		default:
		}
		close(hold)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}
