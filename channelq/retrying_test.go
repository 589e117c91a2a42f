package channelq_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestRetryingListsTheSoonestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		q := newQueue(t, channelq.Config[int]{Name: "q", Capacity: 300})
		w := startWorkers(t, q, func(_ context.Context, seconds int) error {
			return channelq.RetryAfter(broken, time.Duration(seconds)*time.Second)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		began := time.Now()
		for _, i := range rand.Perm(250) {
			enqueue(t, q, i+1)
		}
		synctest.Wait()

		list := w.Retrying()
		if len(list) != 100 {
			t.Fatalf("%d items listed, want the soonest 100 of 250", len(list))
		}
		for i, r := range list {
			if r.Item != i+1 || r.Attempts != 1 || !errors.Is(r.Err, broken) || !r.Due.Equal(began.Add(time.Duration(i+1)*time.Second)) {
				t.Errorf("place %d: %+v", i, r)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if first := w.Retrying()[0]; first.Item != 2 {
			t.Errorf("after the first came due, the list begins with %v", first.Item)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = w.Stop(ctx)
		if rest := w.Retrying(); len(rest) != 0 {
			t.Errorf("%d items wait for a retry after the stop", len(rest))
		}
	})
}
