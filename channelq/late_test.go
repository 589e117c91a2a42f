package channelq_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq"
)

// In these tests a worker loses its processor between taking items ahead and
// beginning with them.

func TestARunBegunWhileAnotherWorkerWaitsIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		enqueue(t, q, 0, 1, 2, 3)
		release := make(chan struct{})
		w := newWorkers(t, q, func(_ context.Context, i int) error {
			if i == 0 {
				<-release
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2})
		resume := w.TakeAhead(4)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the other worker has found nothing in the queue
		go resume()
		synctest.Wait()
		if s := w.Stats(); s.Handled != 3 || s.InProgress != 1 {
			t.Errorf("behind a stuck handler: %+v", s)
		}
		close(release)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		checkBooks(t, w.Stats())
	})
}

func TestARunBegunAfterARateLimitKeepsToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 20})
		for i := range 10 {
			enqueue(t, q, i)
		}
		started := make(chan int, 10)
		w := newWorkers(t, q, func(_ context.Context, i int) error {
			started <- i
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2})
		resume := w.TakeAhead(10)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := w.RateLimit(1, 1); err != nil {
			t.Fatal(err)
		}
		go resume()
		synctest.Wait()
		if n := len(started); n != 1 { // the limit holds for the one in hand, too
			t.Errorf("%d handlers started at once", n)
		}
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		checkBooks(t, w.Stats())
	})
}
