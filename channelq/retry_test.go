package channelq_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestAPermanentErrorAndOneTheFilterRejectsAreNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[error]{Capacity: 10})
		attempts := map[error]int{}
		plain, permanent, filtered, poison := errors.New("plain"), channelq.Permanent(io.EOF), io.ErrNoProgress, io.ErrShortBuffer
		w := startWorkers(t, q, func(_ context.Context, err error) error { attempts[err]++; return err }, channelq.WorkerConfig[error]{
			Concurrency: 1,
			Retry: channelq.Retry{Attempts: 3, If: func(err error) bool {
				if errors.Is(err, poison) {
					runtime.Goexit()
				}
				return !errors.Is(err, filtered)
			}},
		})
		enqueue(t, q, plain, permanent, filtered, poison)
		time.Sleep(time.Hour)
		synctest.Wait()
		if attempts[plain] != 3 || attempts[permanent] != 1 || attempts[filtered] != 1 || attempts[poison] != 1 {
			t.Errorf("attempts %v", attempts)
		}
		if s := w.Stats(); s.GaveUp != 4 || s.Workers != 1 {
			t.Errorf("%+v", s)
		}
		if channelq.Permanent(nil) != nil || channelq.RetryAfter(nil, 1) != nil {
			t.Error("a mark makes an error of nil")
		}
	})
}

func TestBeyondTheCapacityAFailedItemKeepsItsWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		var handled []int
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			handled = append(handled, i)
			if len(handled) <= 2 {
				return channelq.RetryAfter(io.EOF, time.Minute)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 1, 2)
		synctest.Wait()
		enqueue(t, q, 3)
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.Stats(); s.Parked != 1 || s.InProgress != 1 || s.Depth != 1 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
		time.Sleep(time.Hour)
		synctest.Wait()
		slices.Sort(handled[2:])
		if !slices.Equal(handled, []int{1, 2, 1, 2, 3}) {
			t.Errorf("handled %v", handled)
		}
	})
}

func TestADueRetryGoesBeforeWhatIsInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var order []int
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			order = append(order, i)
			time.Sleep(time.Second)
			if i == 0 && len(order) == 1 {
				return channelq.RetryAfter(io.EOF, 1500*time.Millisecond)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 0, 1, 2, 3, 4)
		time.Sleep(2700 * time.Millisecond)
		due := time.Now().Add(-200 * time.Millisecond)
		if s := w.Stats(); s.OldestDue.After(due) || s.OldestDue.IsZero() {
			t.Errorf("oldest due %v, want no later than %v", s.OldestDue, due)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(order, []int{0, 1, 2, 0, 3, 4}) {
			t.Errorf("handled %v", order)
		}
	})
}

func TestItemsThatComeDueTogetherAreHandledTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		for _, closed := range []bool{false, true} { // workers wait in the queue, or beside it
			var now, most atomic.Int32
			var broken atomic.Bool
			broken.Store(true)
			w := startWorkers(t, q, func(context.Context, int) error {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				if broken.Load() {
					return channelq.RetryAfter(io.EOF, time.Hour)
				}
				return nil
			}, channelq.WorkerConfig[int]{Concurrency: 8, Detach: true, Retry: channelq.Retry{Attempts: 3}})
			for i := range 8 {
				enqueue(t, q, i)
			}
			synctest.Wait()
			if closed {
				q.Close()
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if s := w.Stats(); s.Parked != 8 {
				t.Fatalf("%+v", s)
			}
			most.Store(0)
			broken.Store(false)
			time.Sleep(time.Hour)
			synctest.Wait()
			if most.Load() != 8 {
				t.Errorf("closed %v: %d of the due items ran at a time, want 8", closed, most.Load())
			}
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAStopStartsNoHandlerForAnItemThatKeptItsWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{}) // nothing can be parked
		attempts := 0
		w := startWorkers(t, q, func(context.Context, int) error {
			attempts++
			return channelq.RetryAfter(io.EOF, time.Hour)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 5}})
		enqueue(t, q, 1)
		synctest.Wait()
		_ = w.Stop(within(t, time.Minute))
		if s := w.Stats(); attempts != 1 || s.Leftover != 1 || s.Parked != 0 {
			t.Errorf("%d attempts: %+v", attempts, s)
		}
		checkBooks(t, w.Stats())
	})
}
