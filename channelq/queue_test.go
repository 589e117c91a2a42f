package channelq_test

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

var allModes = []channelq.FullMode{
	channelq.Wait, channelq.Reject, channelq.DropNewest, channelq.DropOldest, channelq.DropWrite,
}

func TestNewNamesTheFieldThatMakesNoSense(t *testing.T) {
	if _, err := channelq.New(channelq.Config[int]{Capacity: -1}); err == nil {
		t.Error("a negative capacity was accepted")
	}
	if _, err := channelq.New(channelq.Config[int]{Capacity: math.MaxInt}); err == nil {
		t.Error("a capacity that nothing can hold was accepted")
	}
	if _, err := channelq.New(channelq.Config[int]{OnFull: 99}); err == nil {
		t.Error("an unknown mode was accepted")
	}
	q := newQueue(t, channelq.Config[int]{})
	if q.Name() != "queue" || q.Cap() != 0 {
		t.Errorf("the zero Config gives %q with capacity %d", q.Name(), q.Cap())
	}
}

func TestABlockedEnqueueGetsInWhenAnItemIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 2})
		enqueue(t, q, 1, 2)
		var order []int
		for i := 3; i <= 5; i++ {
			go func() {
				_ = q.Enqueue(t.Context(), i)
				order = append(order, i)
			}()
			synctest.Wait() // so that they wait in this order
		}
		for want := 1; want <= 5; want++ {
			got, err := q.Dequeue(t.Context())
			if err != nil || got != want {
				t.Errorf("got %d, %v, want %d", got, err, want)
			}
			synctest.Wait()
		}
		if !slices.Equal(order, []int{3, 4, 5}) {
			t.Errorf("enqueues returned in the order %v", order)
		}
		checkBooks(t, q.Stats())
	})
}

func TestACancelledEnqueueLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "emails", Capacity: 1})
		enqueue(t, q, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- q.Enqueue(ctx, 2) }()
		synctest.Wait()
		go func() { _ = q.Enqueue(t.Context(), 3) }()
		synctest.Wait()
		cancel(io.ErrNoProgress)
		err := <-failed
		if !errors.Is(err, context.Canceled) || !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Enqueue = %v, want both Canceled and its cause", err)
		}
		if want := `stead/channelq: enqueue "emails": context canceled: ` + io.ErrNoProgress.Error(); err.Error() != want {
			t.Errorf("message %q, want %q", err, want)
		}
		for _, want := range []int{1, 3} {
			if got, err := q.Dequeue(t.Context()); got != want || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, want)
			}
		}
		if s := q.Stats(); s.Refused.Cancelled != 1 {
			t.Errorf("refused %+v", s.Refused)
		}
		checkBooks(t, q.Stats())
	})
}

func TestADeadlineEndsABlockedCallWhenItPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		start := time.Now()
		if _, err := q.Dequeue(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Dequeue = %v after %v", err, time.Since(start))
		}
		enqueue(t, q, 1)
		start = time.Now()
		if err := q.Enqueue(within(t, time.Second), 2); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Enqueue = %v after %v", err, time.Since(start))
		}
	})
}

func TestAContextThatIsDoneFailsAtOnceAlsoWhenThereIsRoomOrAnItem(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, mode := range allModes {
		q := newQueue(t, channelq.Config[int]{Capacity: 8, OnFull: mode})
		enqueue(t, q, 1)
		for range 100 {
			if err := q.Enqueue(ctx, 2); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: Enqueue = %v", mode, err)
			}
			if n, err := q.EnqueueAll(ctx, []int{2, 3}); n != 0 || !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: EnqueueAll = %d, %v", mode, n, err)
			}
			if _, err := q.Dequeue(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: Dequeue = %v", mode, err)
			}
			if n, err := q.DequeueBatch(ctx, make([]int, 2)); n != 0 || !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: DequeueBatch = %d, %v", mode, n, err)
			}
			for range q.All(ctx) {
				t.Fatalf("%v: All goes on after its context ended", mode)
			}
		}
		if s := q.Stats(); s.Depth != 1 || s.Refused.Cancelled != 300 {
			t.Errorf("%v: %+v", mode, s)
		}
	}
}
