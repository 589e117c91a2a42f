package channelq_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

type refresh struct{ key, n int }

func byKey(r refresh) string { return string(rune('a' + r.key)) }

func TestAnItemWhoseKeyWaitsIsNotAddedAgain(t *testing.T) {
	for _, mode := range allModes {
		q := newQueue(t, channelq.Config[refresh]{
			Capacity: 4, OnFull: mode, Coalesce: byKey,
			Merge: func(waiting, item refresh) refresh { return refresh{waiting.key, waiting.n + item.n} },
		})
		for range 1000 {
			enqueue(t, q, refresh{1, 1})
			enqueue(t, q, refresh{2, 1})
		}
		if s := q.Stats(); s.Depth != 2 || s.Coalesced != 1998 || s.Accepted != 2000 {
			t.Errorf("%v: %+v", mode, s)
		}
		one, err := q.Dequeue(t.Context())
		if err != nil || one != (refresh{1, 1000}) {
			t.Errorf("%v: got %v, %v", mode, one, err)
		}
		enqueue(t, q, refresh{1, 7}) // it was taken: a new one waits
		buf := make([]refresh, 4)
		if n, err := q.DequeueBatch(t.Context(), buf); err != nil || !slices.Equal(buf[:n], []refresh{{2, 1000}, {1, 7}}) {
			t.Errorf("%v: got %v, %v", mode, buf[:n], err)
		}
		q.Close()
		if err := q.Enqueue(t.Context(), refresh{1, 1}); !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("%v: %v", mode, err)
		}
		checkBooks(t, q.Stats())
	}
}

func TestACoalescingQueueKeepsItsModeAndItsOrder(t *testing.T) {
	for mode, want := range map[channelq.FullMode][]int{
		channelq.DropOldest: {3, 4, 5}, channelq.DropNewest: {1, 2, 5}, channelq.DropWrite: {1, 2, 3}, channelq.Reject: {1, 2, 3},
	} {
		var lost []int
		q := newQueue(t, channelq.Config[int]{
			Capacity: 3, OnFull: mode, Coalesce: func(i int) string { return string(rune(i)) },
			OnDrop: func(i int, _ channelq.DropReason) { lost = append(lost, i) },
		})
		n, _ := q.EnqueueAll(t.Context(), []int{1, 2, 3, 4, 5})
		var got []int
		for q.Len() > 0 {
			i, _ := q.TryDequeue()
			got = append(got, i)
		}
		if !slices.Equal(got, want) || mode != channelq.Reject && len(lost) != 2 {
			t.Errorf("%v: %d accepted, got %v, lost %v", mode, n, got, lost)
		}
		checkBooks(t, q.Stats())
	}
}

func TestWithAKeyOneRunsAndOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[refresh]{Capacity: 10, Coalesce: byKey,
			Merge: func(_, item refresh) refresh { return item }})
		var handled []refresh
		w := startWorkers(t, q, func(_ context.Context, r refresh) error {
			time.Sleep(time.Second)
			handled = append(handled, r)
			return nil
		}, channelq.WorkerConfig[refresh]{Concurrency: 4, Key: byKey})
		for n := range 100 {
			enqueue(t, q, refresh{1, n})
			synctest.Wait()
		}
		if s := w.Stats(); s.InProgress != 1 || s.Parked+s.Depth != 1 || s.Coalesced != 98 {
			t.Errorf("%+v", s)
		}
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !slices.Equal(handled, []refresh{{1, 0}, {1, 99}}) {
			t.Errorf("handled %v", handled)
		}
		checkBooks(t, w.Stats())
	})
}

func TestAKeyThatWaitsForRoomWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[refresh]{Capacity: 1, Coalesce: byKey})
		enqueue(t, q, refresh{0, 0})
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 3)
		go func() { results <- q.Enqueue(ctx, refresh{1, 1}) }()
		synctest.Wait()
		go func() { results <- q.Enqueue(t.Context(), refresh{1, 2}) }()
		go func() { results <- q.Enqueue(t.Context(), refresh{1, 3}) }()
		if err := q.TryEnqueue(refresh{1, 4}); !errors.Is(err, channelq.ErrFull) {
			t.Error(err)
		}
		synctest.Wait()
		cancel() // the others must not be taken for waiting behind it
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if one, err := q.Dequeue(t.Context()); err != nil || one.key != 0 {
			t.Errorf("got %v, %v", one, err)
		}
		if err := errors.Join(<-results, <-results); err != nil {
			t.Error(err)
		}
		if s := q.Stats(); s.Depth != 1 || s.Coalesced != 1 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, q.Stats())
	})
}

func TestMergingLosesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[refresh]{
		Capacity: 3, Coalesce: byKey,
		Merge: func(waiting, item refresh) refresh { return refresh{waiting.key, waiting.n + item.n} },
	})
	const each = 500
	var producers sync.WaitGroup
	for p := range 4 {
		producers.Go(func() {
			for range each {
				_ = q.Enqueue(context.Background(), refresh{p % 2, 1})
			}
		})
	}
	sum := make(chan int)
	for range 2 {
		go func() {
			n := 0
			for r := range q.All(context.Background()) {
				n += r.n
			}
			sum <- n
		}()
	}
	producers.Wait()
	q.Close()
	if n := <-sum + <-sum; n != 4*each {
		t.Errorf("%d of %d came through", n, 4*each)
	}
	checkBooks(t, q.Stats())
}
