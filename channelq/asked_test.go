package channelq_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/steadgo/stead/channelq"
)

func TestASkippedItemTakesNoTokenOfTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 2100})
		var started time.Time
		w := newWorkers(t, q, func(context.Context, int) error { started = time.Now(); return nil }, channelq.WorkerConfig[int]{
			Concurrency: 1, RateLimit: 100, Skip: func(i int) bool { return i < 2000 },
		})
		for i := range 2001 {
			enqueue(t, q, i)
		}
		begin := time.Now()
		if err := errors.Join(w.Start(t.Context()), w.Stop(t.Context())); err != nil {
			t.Error(err)
		}
		if s := w.Stats(); s.Skipped != 2000 || s.Handled != 1 || started.Sub(begin) > 20*time.Millisecond {
			t.Errorf("the next campaign started after %v: %+v", started.Sub(begin), s)
		}
		checkBooks(t, w.Stats())
	})
}

func TestWhatIsCanceledWhileItWaitsForTheRateIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var canceled atomic.Bool
		handled := 0
		w := startWorkers(t, q, func(context.Context, int) error { handled++; return nil }, channelq.WorkerConfig[int]{
			Concurrency: 1, RateLimit: 1, Skip: func(int) bool { return canceled.Load() },
		})
		enqueue(t, q, 1, 2) // the first takes the token
		time.Sleep(500 * time.Millisecond)
		canceled.Store(true)
		time.Sleep(time.Minute)
		if s := w.Stats(); handled != 1 || s.Skipped != 1 {
			t.Errorf("%d handled: %+v", handled, s)
		}
	})
}

func TestEveryOutcomeIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		q := newQueue(t, channelq.Config[string]{Capacity: 3, OnFull: channelq.DropOldest, Coalesce: func(s string) string { return s }})
		w := newWorkers(t, q, func(ctx context.Context, s string) error {
			switch s {
			case "bad":
				return io.EOF
			case "stuck":
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, channelq.WorkerConfig[string]{
			Concurrency: 1,
			Skip:        func(s string) bool { return s == "skip" },
			OnSettled: func(s string, o channelq.Outcome, err error) {
				var requeued *channelq.RequeuedError
				if errors.As(err, &requeued) {
					s += "#" + strconv.FormatInt(requeued.ID, 10)
				}
				told = append(told, s+" "+o.String())
			},
		})
		enqueue(t, q, "old", "good", "good", "skip", "bad")
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := w.Requeue(w.Failures()[0].ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := w.Discard(w.Failures()[0].ID); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, "stuck")
		synctest.Wait()
		if err := w.Stop(within(t, time.Second)); err == nil {
			t.Error("nothing was left over")
		}
		want := []string{
			"good coalesced", "old dropped", "good handled", "skip skipped", "bad gave_up", "bad#1 gave_up", "bad discarded", "stuck leftover",
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		checkBooks(t, w.Stats())
	})
}

func TestWorkersOfTwoQueuesShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := semaphore.NewWeighted(2)
		var running, most atomic.Int32
		handle := func(context.Context, int) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Second)
			return nil
		}
		var all []*channelq.Workers[int]
		for range 2 {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			for i := range 5 {
				enqueue(t, q, i)
			}
			all = append(all, startWorkers(t, q, handle, channelq.WorkerConfig[int]{
				Concurrency: 4, Limit: limit, Timeout: 1500 * time.Millisecond,
			}))
		}
		time.Sleep(1100 * time.Millisecond)
		if s := all[0].Stats(); s.Handled+all[1].Stats().Handled != 2 || s.InProgress > 2 {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Minute)
		for _, w := range all {
			if s := w.Stats(); s.Handled != 5 {
				t.Errorf("the time of the wait counts as that of the attempt: %+v", s)
			}
			checkBooks(t, w.Stats())
		}
		if most.Load() != 2 || !limit.TryAcquire(2) {
			t.Errorf("%d ran at a time, or the limit was not given back", most.Load())
		}
	})
}

func TestAStopDoesNotWaitForTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := semaphore.NewWeighted(1)
		if err := limit.Acquire(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var left []int
		w := startWorkers(t, q, nothing, channelq.WorkerConfig[int]{
			Concurrency: 2, Limit: limit,
			OnLeftover: func(_ context.Context, items []int) error { left = items; return nil },
		})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait()
		if s := w.Stats(); s.InProgress != 0 {
			t.Errorf("what waits for the limit is in progress: %+v", s)
		}
		if err := w.Stop(within(t, time.Second)); err != nil || !slices.Equal(left, []int{1, 2, 3}) {
			t.Errorf("Stop = %v, left over %v", err, left)
		}
		checkBooks(t, w.Stats())
	})
}

// stubborn is a limiter and a limit that obey no context.
type stubborn chan struct{}

func (s stubborn) Wait(context.Context) error           { <-s; return nil }
func (s stubborn) Acquire(context.Context, int64) error { <-s; return nil }
func (s stubborn) Release(int64)                        {}

func TestAStopGivesUpOnWhatIsAsked(t *testing.T) {
	for name, set := range map[string]func(*channelq.WorkerConfig[int], stubborn){
		"Limiter": func(c *channelq.WorkerConfig[int], s stubborn) { c.Limiter = s },
		"Limit":   func(c *channelq.WorkerConfig[int], s stubborn) { c.Limit = s },
		"Skip":    func(c *channelq.WorkerConfig[int], s stubborn) { c.Skip = func(int) bool { <-s; return false } },
		"OnSettled": func(c *channelq.WorkerConfig[int], s stubborn) {
			c.OnSettled = func(int, channelq.Outcome, error) { <-s }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(stubborn)
				q := newQueue(t, channelq.Config[int]{Capacity: 10})
				cfg := channelq.WorkerConfig[int]{Concurrency: 1}
				set(&cfg, release)
				w := newWorkers(t, q, nothing, cfg)
				enqueue(t, q, 1, 2)
				if err := w.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				start := time.Now()
				if err := w.Stop(within(t, time.Second)); err == nil || time.Since(start) > time.Second {
					t.Errorf("Stop = %v after %v", err, time.Since(start))
				}
				if w.Stuck() != 1 {
					t.Errorf("Stuck = %d", w.Stuck())
				}
				checkBooks(t, w.Stats())
				before := w.Stats()
				close(release)
				synctest.Wait()
				if s := w.Stats(); s.Handled != before.Handled || s.Leftover != before.Leftover || s.Skipped != 0 {
					t.Errorf("who came back late changed the books: %+v", s)
				}
			})
		})
	}
}

// failing is a limiter that returns an error at first.
type failing struct{ calls int }

func (f *failing) Wait(context.Context) error {
	if f.calls++; f.calls < 3 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func TestAnErrorOfTheLimiterFailsTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, nothing, channelq.WorkerConfig[int]{
			Concurrency: 1, Limiter: &failing{}, Retry: channelq.Retry{Attempts: 3},
		})
		enqueue(t, q, 1)
		time.Sleep(time.Minute)
		if s := w.Stats(); s.Handled != 1 || s.Retried != 2 {
			t.Errorf("%+v", s)
		}
		if err := w.RateLimit(1, 1); err == nil {
			t.Error("a rate beside a Limiter was accepted")
		}
	})
}
