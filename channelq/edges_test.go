package channelq_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/steadgo/stead/channelq"
)

func TestNothingIsCoalescedWithAnItemThatWasSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4, Coalesce: func(int) string { return "one" }})
		var handled []int
		w := startWorkers(t, q, func(_ context.Context, item int) error {
			handled = append(handled, item)
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Skip: func(item int) bool { return item == 1 }})
		for item := 1; item <= 2; item++ {
			if err := q.Enqueue(context.Background(), item); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := w.Stop(context.Background()); err != nil || !slices.Equal(handled, []int{2}) {
			t.Errorf("handled %v, Stop = %v, %+v", handled, err, q.Stats())
		}
	})
}

func TestWorkersWithKeysTakeABoundedNumberOfItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		release := make(chan struct{})
		w := startWorkers(t, q, func(context.Context, int) error { <-release; return nil },
			channelq.WorkerConfig[int]{Concurrency: 1, Key: func(item int) string {
				time.Sleep(time.Millisecond) // producers are quicker
				return strconv.Itoa(item)
			}})
		ctx, cancel := context.WithCancel(context.Background())
		for p := range 3 {
			go func() {
				for i := range 1000 {
					if q.Enqueue(ctx, p*1000+i) != nil {
						return
					}
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := q.Stats(); s.Accepted > 13 {
			t.Errorf("%d accepted, and the capacity is 4: %+v", s.Accepted, s)
		}
		cancel()
		close(release)
		synctest.Wait()
		if err := w.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestTheLimitIsReleasedByAHandlerThatEndsLateWithGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		limit := semaphore.NewWeighted(1)
		release := make(chan struct{})
		w := startWorkers(t, q, func(context.Context, int) error {
			<-release
			runtime.Goexit()
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Limit: limit})
		_ = q.Enqueue(context.Background(), 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var left *channelq.LeftoverError
		if err := w.Stop(ctx); !errors.As(err, &left) || left.N != 1 {
			t.Error(err)
		}
		close(release)
		synctest.Wait()
		if !limit.TryAcquire(1) {
			t.Error("the limit was not released")
		}
	})
}

func TestTheLimitIsFreeWhileAnItemWaitsForItsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{})
		limit := semaphore.NewWeighted(1)
		var tries atomic.Int32
		w := startWorkers(t, q, func(context.Context, int) error {
			if tries.Add(1) == 1 {
				return channelq.RetryAfter(errors.New("boom"), time.Hour)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Limit: limit, Retry: channelq.Retry{Attempts: 2}})
		_ = q.Enqueue(context.Background(), 1)
		synctest.Wait()
		if !limit.TryAcquire(1) {
			t.Error("the limit is held during the wait for a retry")
		} else {
			limit.Release(1)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if s := q.Stats(); s.Handled != 1 {
			t.Errorf("%+v", s)
		}
		if err := w.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

type exitLimit struct{ n atomic.Int32 }

func (l *exitLimit) Acquire(context.Context, int64) error {
	if l.n.Add(1) > 1000 {
		return errors.New("asked again and again")
	}
	runtime.Goexit()
	return nil
}
func (l *exitLimit) Release(int64) {}

func TestAnItemFailsWhoseLimitEndsTheGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		limit := &exitLimit{}
		w := startWorkers(t, q, func(context.Context, int) error { return nil },
			channelq.WorkerConfig[int]{Concurrency: 1, Limit: limit})
		_ = q.Enqueue(context.Background(), 1)
		_ = q.Enqueue(context.Background(), 2)
		synctest.Wait()
		if s := q.Stats(); s.GaveUp != 2 || limit.n.Load() != 2 || s.Panics != 2 {
			t.Errorf("asked %d times: %+v", limit.n.Load(), s)
		}
		if err := w.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestAttemptKnowsWhenTheFirstOfABatchWasEnqueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4, Stamp: true})
		var got []time.Time
		want := []time.Time{time.Now()}
		b, err := channelq.NewBatcher(q, func(ctx context.Context, items []int) error {
			info, _ := channelq.Attempt(ctx)
			got = append(got, info.EnqueuedAt)
			if len(items) == 3 {
				return &channelq.BatchError{Failed: map[int]error{2: errors.New("boom")}}
			}
			return nil
		}, channelq.BatchConfig[int]{Retry: channelq.Retry{Attempts: 2}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_ = q.Enqueue(context.Background(), 1)
			want[len(want)-1] = time.Now()
			time.Sleep(time.Second)
		}
		want = []time.Time{want[0].Add(-2 * time.Second), want[0]}
		mustStart(t, b)
		time.Sleep(time.Minute)
		if err := b.Stop(context.Background()); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, want %v; %v", got, want, err)
		}
	})
}

func TestAnItemIsGivenUpWhoseDescribeEndsTheGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		var id int64
		w := startWorkers(t, q, func(context.Context, int) error { return errors.New("boom") },
			channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2, Initial: time.Hour, Max: time.Hour},
				Describe: func(int) string { runtime.Goexit(); return "" },
				OnSettled: func(_ int, _ channelq.Outcome, err error) {
					var g *channelq.GiveUpError
					if errors.As(err, &g) {
						id = g.ID
					}
				}})
		_ = q.Enqueue(context.Background(), 1)
		synctest.Wait()
		if s := q.Stats(); s.GaveUp != 1 || s.Retried != 0 || id == 0 || id != w.Failures()[0].ID {
			t.Errorf("failure %d: %+v", id, s)
		}
	})
}

func TestWhatOnLeftoverDoesToItsSliceIsNotSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		var told []int
		w := newWorkers(t, q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
			OnLeftover: func(_ context.Context, items []int) error { clear(items); return nil },
			OnSettled:  func(item int, _ channelq.Outcome, _ error) { told = append(told, item) },
		})
		_ = q.Enqueue(context.Background(), 1)
		_ = q.Enqueue(context.Background(), 2)
		if err := w.Stop(context.Background()); err != nil || !slices.Equal(told, []int{1, 2}) {
			t.Errorf("told of %v, Stop = %v", told, err)
		}
	})
}

func TestAStopIsInTimeAlthoughAnOnSettledCameWhileItemsWerePrefetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 5000})
		release := make(chan struct{})
		n := 0
		w := newWorkers(t, q, func(context.Context, int) error {
			if n++; n == 150 {
				<-release
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1})
		for i := range 5000 {
			_ = q.Enqueue(context.Background(), i)
		}
		mustStart(t, w)
		synctest.Wait()
		if s := q.Stats(); s.InProgress < 2 {
			t.Fatalf("nothing is prefetched: %+v", s)
		}
		newWorkers(t, q, func(context.Context, int) error { return nil },
			channelq.WorkerConfig[int]{Detach: true, OnSettled: func(int, channelq.Outcome, error) {}})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- w.Stop(ctx) }()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Error("the stop did not end")
		}
		close(release)
		synctest.Wait()
	})
}

func TestOnSettledIsCalledForTheRestOfABatchThatAStopGaveUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		release := make(chan struct{})
		var told []int
		b, err := channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, channelq.BatchConfig[int]{
			OnSettled: func(item int, _ channelq.Outcome, _ error) {
				told = append(told, item)
				if item == 1 {
					<-release
					runtime.Goexit()
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for item := 1; item <= 3; item++ {
			_ = q.Enqueue(context.Background(), item)
		}
		mustStart(t, b)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = b.Stop(ctx)
		close(release)
		synctest.Wait()
		if !slices.Equal(told, []int{1, 2, 3}) {
			t.Errorf("told of %v", told)
		}
	})
}

func mustStart(t *testing.T, s interface{ Start(context.Context) error }) {
	t.Helper()
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
}
