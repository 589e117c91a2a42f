package channelq_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestElementsMayBeNilOrHaveNoSize(t *testing.T) {
	pointers := newQueue(t, channelq.Config[*int]{Capacity: 2})
	enqueue(t, pointers, nil, new(int))
	if v, err := pointers.TryDequeue(); v != nil || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	empty := newQueue(t, channelq.Config[struct{}]{Capacity: 7})
	for empty.TryEnqueue(struct{}{}) == nil {
	}
	if empty.Len() != 7 {
		t.Errorf("%d elements without size fit into 7", empty.Len())
	}
}

func TestAQueueNobodyRefersToIsCollected(t *testing.T) {
	collected := make(chan struct{})
	func() {
		q := newQueue(t, channelq.Config[[]byte]{Capacity: 8})
		enqueue(t, q, make([]byte, 1<<10))
		runtime.AddCleanup(q, func(c chan struct{}) { close(c) }, collected)
	}()
	collect(t, collected)
}

func TestATakenItemIsNotKeptAlive(t *testing.T) {
	type big struct{ _ [1 << 12]byte }
	q := newQueue(t, channelq.Config[*big]{Capacity: 4})
	handedOver := make(chan struct{}, 1)
	w := startWorkers(t, q, func(context.Context, *big) error { handedOver <- struct{}{}; return nil },
		channelq.WorkerConfig[*big]{Concurrency: 1})
	collected := make(chan struct{})
	func() {
		item := new(big)
		runtime.AddCleanup(item, func(c chan struct{}) { close(c) }, collected)
		enqueue(t, q, item)
	}()
	<-handedOver
	collect(t, collected)
	runtime.KeepAlive(q)
	runtime.KeepAlive(w)
}

// collect runs the garbage collector until the cleanup has run; should it never
// run, the test runs into its timeout.
func collect(t *testing.T, cleaned <-chan struct{}) {
	t.Helper()
	for {
		runtime.GC()
		select {
		case <-cleaned:
			return
		default:
			runtime.Gosched()
		}
	}
}

func TestStatsKeepThePeakAndTheOldestItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 200})
		if !q.Stats().OldestDue.IsZero() {
			t.Error("an empty queue has an oldest item")
		}
		start := time.Now()
		for i := range 100 {
			enqueue(t, q, i)
			time.Sleep(time.Second)
		}
		if got := q.Stats().OldestDue; !got.Equal(start) {
			t.Errorf("oldest since %v, want %v", got, start)
		}
		for range 10 {
			if _, err := q.TryDequeue(); err != nil {
				t.Fatal(err)
			}
		}
		// The oldest is item 10 now; the first sampled one after it is item 64.
		if got := q.Stats().OldestDue.Sub(start); got < 10*time.Second || got > 64*time.Second {
			t.Errorf("oldest %v after the start", got)
		}
		if s := q.Stats(); s.HighWater != 100 || s.Depth != 90 {
			t.Errorf("high water %d, depth %d", s.HighWater, s.Depth)
		}
		if s := q.Stats(); s.Wait.Count != 1 || s.Wait.Sum != 100*time.Second {
			t.Errorf("wait histogram %+v", s.Wait)
		}
	})
}

func TestAnOldItemIsSeenAlsoWhenItIsNoSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 200})
		enqueue(t, q, 0)
		if _, err := q.TryDequeue(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		enqueue(t, q, 1)
		first := time.Now()
		if got := q.Stats().OldestDue; got.Before(first) {
			t.Errorf("the queue was idle until %v, but its oldest item is of %v", first, got)
		}
		time.Sleep(time.Hour)
		if got := q.Stats().OldestDue; !got.Equal(first) {
			t.Errorf("oldest %v, want the time of the first snapshot %v", got, first)
		}
	})
}

func TestNothingIsAllocatedPerItem(t *testing.T) {
	for _, mode := range allModes {
		q := newQueue(t, channelq.Config[[2]int]{Capacity: 4, OnFull: mode})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		buf := make([][2]int, 4)
		if n := testing.AllocsPerRun(1000, func() {
			for range 6 {
				if mode == channelq.Wait {
					_ = q.TryEnqueue([2]int{})
				} else {
					_ = q.Enqueue(ctx, [2]int{})
				}
			}
			_, _ = q.Dequeue(ctx)
			_, _ = q.TryDequeue()
			_, _ = q.DequeueBatch(ctx, buf)
			_, _ = q.TryDequeue()
			_, _ = q.EnqueueAll(ctx, buf)
			_, _ = q.DequeueBatch(ctx, buf)
			_ = q.Stats()
		}); n != 0 {
			t.Errorf("%v: %v allocations", mode, n)
		}
	}
}

func TestAHandledItemAllocatesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 4})
	handled := make(chan struct{})
	startWorkers(t, q, func(context.Context, int) error { handled <- struct{}{}; return nil }, channelq.WorkerConfig[int]{Concurrency: 2})
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		_ = q.Enqueue(ctx, 1)
		<-handled
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestABlockedEnqueueAllocatesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	enqueue(t, q, 0)
	go func() {
		for range q.All(ctx) {
			runtime.Gosched()
		}
	}()
	if n := testing.AllocsPerRun(1000, func() { _ = q.Enqueue(ctx, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	q.Close()
	<-q.Done()
}
