package channelq_test

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestItemsOfOneKeyRunOneAtATimeInOrderWhileOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Capacity: 20})
		release := make(chan struct{})
		var slow, fast []string
		w := startWorkers(t, q, func(_ context.Context, item string) error {
			if item[0] == 's' {
				<-release
				slow = append(slow, item)
			} else {
				fast = append(fast, item)
			}
			return nil
		}, channelq.WorkerConfig[string]{Concurrency: 3, Key: func(item string) string { return item[:1] }})
		enqueue(t, q, "s1", "s2", "s3", "s4", "s5", "f1", "f2", "f3")
		synctest.Wait()
		if s := w.Stats(); !slices.Equal(fast, []string{"f1", "f2", "f3"}) || s.InProgress != 1 || s.Parked != 4 {
			t.Errorf("handled %v: %+v", fast, s)
		}
		checkBooks(t, w.Stats())
		close(release)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !slices.Equal(slow, []string{"s1", "s2", "s3", "s4", "s5"}) {
			t.Errorf("handled %v", slow)
		}
		checkBooks(t, w.Stats())
	})
}

func TestLaterItemsOfAKeyWaitForTheRetryOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Capacity: 20})
		var order []string
		w := startWorkers(t, q, func(_ context.Context, item string) error {
			order = append(order, item)
			if item == "a1" && len(order) == 1 {
				return channelq.RetryAfter(io.EOF, time.Minute)
			}
			return nil
		}, channelq.WorkerConfig[string]{Concurrency: 1, Retry: channelq.Retry{Attempts: 3}, Key: func(item string) string { return item[:1] }})
		enqueue(t, q, "a1", "a2", "b1", "a3")
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []string{"a1", "b1", "a1", "a2", "a3"}; !slices.Equal(order, want) {
			t.Errorf("handled %v, want %v", order, want)
		}
		checkBooks(t, w.Stats())
	})
}

func TestWhatWaitsForItsKeyIsBoundedByTheCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 3})
		w := startWorkers(t, q, untilCancelled, channelq.WorkerConfig[int]{Concurrency: 4, Key: func(int) string { return "" }})
		n := 0
		for ; n < 100; n++ {
			synctest.Wait()
			if q.TryEnqueue(n) != nil {
				break
			}
		}
		if s := w.Stats(); n != 7 || s.Parked != 6 || s.Depth != 0 || s.InProgress != 1 {
			t.Errorf("%d items fit: %+v", n, s)
		}
		_ = w.Stop(within(t, time.Second))
		if w.Leftover() != 7 {
			t.Errorf("left over %d", w.Leftover())
		}
		checkBooks(t, w.Stats())
	})
}

func TestAnItemWithoutAKeyIsGivenUp(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			var handled atomic.Int32
			w := startWorkers(t, q, func(context.Context, int) error { handled.Add(1); return nil }, channelq.WorkerConfig[int]{
				Concurrency: 2, Retry: channelq.Retry{Attempts: 5},
				Key: func(i int) string {
					if i%2 == 0 {
						fail()
					}
					return "odd"
				},
			})
			enqueue(t, q, 0, 1, 2, 3, 4, 5)
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if s := w.Stats(); s.GaveUp != 3 || s.Handled != 3 || handled.Load() != 3 || s.Panics != 3 {
				t.Errorf("%+v", s)
			}
			checkBooks(t, w.Stats())
		})
	}
}
