package channelq_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestNoHandlerStartsAfterPauseHasReturned(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 4})
	var paused atomic.Bool
	var order []int
	w := startWorkers(t, q, func(_ context.Context, i int) error {
		if paused.Load() {
			t.Error("a handler started while paused")
		}
		order = append(order, i)
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: 1})
	go func() {
		for i := range 5000 {
			_ = q.Enqueue(context.Background(), i)
		}
		q.Close()
	}()
	for range 500 {
		w.Pause()
		// A handler that began before may still be on its first lines.
		for w.Stats().InProgress > 0 {
			runtime.Gosched()
		}
		paused.Store(true)
		for range 20 {
			runtime.Gosched()
		}
		paused.Store(false)
		w.Resume()
	}
	<-w.Done()
	if len(order) != 5000 || !slices.IsSorted(order) {
		t.Errorf("%d items came, not all in order", len(order))
	}
}

func TestAPausedQueueFillsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		var got []int
		w := startWorkers(t, q, func(_ context.Context, i int) error { got = append(got, i); return nil }, channelq.WorkerConfig[int]{Concurrency: 1})
		synctest.Wait()
		w.Pause()
		synctest.Wait() // until nobody is about to take any more
		enqueue(t, q, 0, 1, 2, 3)
		synctest.Wait()
		if err := q.TryEnqueue(4); !errors.Is(err, channelq.ErrFull) || len(got) != 0 || !w.Paused() {
			t.Errorf("TryEnqueue = %v, handled %v", err, got)
		}
		w.Resume()
		synctest.Wait()
		if !slices.Equal(got, []int{0, 1, 2, 3}) || w.Paused() {
			t.Errorf("handled %v", got)
		}
	})
}

func TestNoMoreAttemptsStartThanTheRateLimitAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		var n atomic.Int32
		w := startWorkers(t, q, func(context.Context, int) error { n.Add(1); return nil },
			channelq.WorkerConfig[int]{Concurrency: 4, RateLimit: 10, Burst: 2})
		time.Sleep(time.Minute) // saves up no more than the burst
		for i := range 100 {
			enqueue(t, q, i)
		}
		synctest.Wait()
		if n.Load() != 2 {
			t.Errorf("%d at once, want the burst", n.Load())
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if n.Load() != 12 {
			t.Errorf("%d after a second", n.Load())
		}
		if err := w.RateLimit(0, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // those that wait already do so by the old limit
		synctest.Wait()
		if n.Load() != 100 {
			t.Errorf("%d without a limit", n.Load())
		}
		if err := w.RateLimit(-1, 0); err == nil {
			t.Error("a negative limit was accepted")
		}
	})
}

func TestAStopDoesNotWaitForTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, nothing, channelq.WorkerConfig[int]{Concurrency: 2, RateLimit: 0.001})
		enqueue(t, q, 1, 2, 3)
		_ = w.Stop(within(t, 10*time.Second))
		if s := w.Stats(); s.Handled != 1 || s.Leftover != 2 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
	})
}

func TestAStopWhilePausedDoesNotWaitForTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, nothing, channelq.WorkerConfig[int]{Concurrency: 2, RateLimit: 0.001})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait() // 2 and 3 are in hand
		w.Pause()
		began := time.Now()
		_ = w.Stop(within(t, 10*time.Second))
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		if s := w.Stats(); s.Handled != 1 || s.Leftover != 2 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
	})
}

func TestPauseHoldsAnItemThatIsAlreadyInAWorkersHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var got []int
		w := startWorkers(t, q, func(_ context.Context, i int) error { got = append(got, i); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1, RateLimit: 1})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait() // 2 is in hand and waits for the rate limit
		w.Pause()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(got, []int{1}) {
			t.Errorf("handled %v while paused", got)
		}
		checkBooks(t, w.Stats())
		w.Resume()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("handled %v", got)
		}
	})
}
