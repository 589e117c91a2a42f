package channelq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/stopping"
)

var errLicence = errors.New("licence expired")

// ofAHost returns a context as a host gives it to a service, and what begins the
// stop of the host.
func ofAHost(t *testing.T) (ctx context.Context, begin func()) {
	stop, cancel := context.WithCancelCause(context.Background())
	ctx, end := context.WithCancel(stopping.With(t.Context(), stop))
	t.Cleanup(end)
	return ctx, func() { cancel(errLicence) }
}

// wantStopped checks an error of an enqueue that the stop of its host ended.
func wantStopped(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, stopping.Err) || !errors.Is(err, errLicence) || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, channelq.ErrFull) || errors.Is(err, channelq.ErrClosed) {
		t.Errorf("it is more than it should be: %v", err)
	}
}

func TestAnEnqueueThatWaitsFailsWhenItsHostBeginsToStop(t *testing.T) {
	for _, capacity := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: capacity})
			for i := range capacity {
				enqueue(t, q, i)
			}
			ctx, begin := ofAHost(t)
			one, all := make(chan error, 1), make(chan error, 1)
			go func() { one <- q.Enqueue(ctx, 10) }()
			synctest.Wait()
			go func() { _, err := q.EnqueueAll(ctx, []int{11, 12}); all <- err }()
			stranger := make(chan error, 1)
			go func() { stranger <- q.Enqueue(t.Context(), 20) }()
			synctest.Wait()
			if s := q.Stats(); s.Refused.Total() != 0 {
				t.Fatalf("refused before the stop: %+v", s)
			}
			begin()
			wantStopped(t, <-one)
			wantStopped(t, <-all)
			wantStopped(t, q.Enqueue(ctx, 13)) // it would wait
			if _, err := q.EnqueueAll(ctx, []int{14}); err == nil {
				t.Error("EnqueueAll succeeded without room")
			} else {
				wantStopped(t, err)
			}
			if s := q.Stats(); s.Refused.Cancelled != 5 {
				t.Errorf("%+v", s.Refused)
			}
			// Consumers still get what was accepted, and with the same context.
			for i := range capacity {
				if item, err := q.Dequeue(ctx); err != nil || item != i {
					t.Errorf("Dequeue = %d, %v", item, err)
				}
			}
			if item, err := q.Dequeue(ctx); err != nil || item != 20 { // the wait of others goes on
				t.Errorf("Dequeue = %d, %v", item, err)
			}
			if err := <-stranger; err != nil {
				t.Error(err)
			}
			checkBooks(t, q.Stats())
		})
	}
}

func TestWithRoomAnEnqueueSucceedsAlsoWhileItsHostStops(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 3})
	ctx, begin := ofAHost(t)
	begin()
	if err := q.Enqueue(ctx, 1); err != nil {
		t.Error(err)
	}
	n, err := q.EnqueueAll(ctx, []int{2, 3, 4})
	if n != 2 {
		t.Errorf("EnqueueAll put %d items", n)
	}
	wantStopped(t, err)
	if q.Len() != 3 {
		t.Errorf("%d items", q.Len())
	}
	checkBooks(t, q.Stats())
}

func TestInTheOtherModesTheStopOfTheHostChangesNothing(t *testing.T) {
	ctx, begin := ofAHost(t)
	begin()
	for mode, want := range map[channelq.FullMode]error{
		channelq.Reject: channelq.ErrFull, channelq.DropNewest: nil, channelq.DropOldest: nil, channelq.DropWrite: channelq.ErrDropped,
	} {
		q := newQueue(t, channelq.Config[int]{Capacity: 1, OnFull: mode})
		enqueue(t, q, 1)
		if err := q.Enqueue(ctx, 2); !errors.Is(err, want) {
			t.Errorf("%v: %v", mode, err)
		}
	}
}

func TestAContextThatHasEndedIsToldRatherThanTheStopOfTheHost(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{})
	ctx, begin := ofAHost(t)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	begin()
	if err := q.Enqueue(ended, 1); !errors.Is(err, context.Canceled) || errors.Is(err, stopping.Err) {
		t.Error(err)
	}
}

// What handlers pass on was accepted before the stop: a drain through several queues
// has to wait for room as ever.
func TestHandlersWaitForRoomWhileTheirHostStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newQueue(t, channelq.Config[int]{Name: "first", Capacity: 10})
		second := newQueue(t, channelq.Config[int]{Name: "second", Capacity: 1})
		ctx, begin := ofAHost(t)
		slow := newWorkers(t, second, func(context.Context, int) error { time.Sleep(time.Second); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1})
		workers := newWorkers(t, first, func(ctx context.Context, i int) error { return second.Enqueue(ctx, i) },
			channelq.WorkerConfig[int]{Concurrency: 2})
		for i := range 10 {
			enqueue(t, first, i)
		}
		for _, w := range []*channelq.Workers[int]{slow, workers} {
			if err := w.Start(ctx); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		begin()
		if err := workers.Stop(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		if err := slow.Stop(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		if s := slow.Stats(); s.Handled != 10 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBatchHandlersAndOnLeftoverWaitForRoomWhileTheirHostStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newQueue(t, channelq.Config[int]{Name: "first", Capacity: 4})
		second := newQueue(t, channelq.Config[int]{Name: "second", Capacity: 1})
		ctx, begin := ofAHost(t)
		b, err := channelq.NewBatcher(first, func(ctx context.Context, items []int) error {
			_, err := second.EnqueueAll(ctx, items)
			return err
		}, channelq.BatchConfig[int]{MaxItems: 2, OnLeftover: func(ctx context.Context, items []int) error {
			_, err := second.EnqueueAll(ctx, items)
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
		enqueue(t, first, 1, 2, 3, 4)
		if err := b.Start(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begin()
		go func() {
			time.Sleep(time.Minute - time.Second)
			for range second.All(t.Context()) {
			}
		}()
		deadline, cancel := context.WithTimeout(ctx, time.Minute) // a stop by hand
		defer cancel()
		if err := b.Stop(deadline); err != nil {
			t.Error(err)
		}
		second.Close()
		if s := second.Stats(); s.Refused.Cancelled != 1 { // of the batch that was cut short
			t.Errorf("%+v", s)
		}
		if b.Leftover() != 4 {
			t.Errorf("%d left over", b.Leftover())
		}
	})
}
