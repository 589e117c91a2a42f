package channelq_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestAStopGivesUpOnAnOnSettledThatSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		told := 0
		w := startWorkers(t, q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
			Concurrency: 1, OnSettled: func(int, channelq.Outcome, error) { time.Sleep(time.Minute); told++ },
		})
		enqueue(t, q, 1)
		synctest.Wait()
		start := time.Now()
		if err := w.Stop(within(t, time.Second)); err != nil || time.Since(start) > time.Second || w.Stuck() != 1 {
			t.Errorf("Stop = %v after %v, %d stuck", err, time.Since(start), w.Stuck())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := q.Stats(); s.Handled != 1 || told != 1 {
			t.Errorf("told %d times: %+v", told, s)
		}
	})
}

func TestItemsOfAnOnLeftoverThatDoesNotReturnAreSettledAtTheDeadline(t *testing.T) {
	for _, late := range []error{nil, errors.New("no disk")} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 5})
			enqueue(t, q, 0, 1, 2, 3)
			told, release := map[int]int{}, make(chan struct{})
			w := startWorkers(t, q, func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }, channelq.WorkerConfig[int]{
				Concurrency: 1, Key: func(i int) string { return "the same" },
				OnLeftover: func(_ context.Context, items []int) error { <-release; clear(items); return late },
				OnSettled: func(item int, o channelq.Outcome, err error) {
					told[item]++
					if o == channelq.Leftover && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("item %d: %v", item, err)
					}
				},
			})
			synctest.Wait()
			err := w.Stop(within(t, time.Second))
			if left, ok := errors.AsType[*channelq.LeftoverError](err); !ok || left.N == 0 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Stop: %v", err)
			}
			synctest.Wait()
			close(release)
			synctest.Wait()
			for i := range 4 {
				if told[i] != 1 {
					t.Errorf("item %d was settled %d times", i, told[i])
				}
			}
		})
	}
}

func TestARequeuedItemThatIsLeftOverIsSettledAsRequeued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		var last error
		w := startWorkers(t, q, func(ctx context.Context, item int) error {
			if item == 2 {
				<-ctx.Done()
			}
			return errors.New("boom")
		}, channelq.WorkerConfig[int]{Concurrency: 1, OnSettled: func(item int, o channelq.Outcome, err error) {
			if item == 1 {
				last = err
			}
		}})
		enqueue(t, q, 1, 2)
		synctest.Wait()
		if err := w.Requeue(w.Failures()[0].ID); err != nil {
			t.Fatal(err)
		}
		_ = w.Stop(within(t, time.Second))
		var requeued *channelq.RequeuedError
		var left *channelq.LeftoverError
		if !errors.As(last, &requeued) || !errors.As(last, &left) {
			t.Errorf("settled with %v", last)
		}
	})
}

func TestAnEnqueueBehindItemsThatWaitForTheirKeyFailsWhenItsHostStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		release := make(chan struct{})
		startWorkers(t, q, func(context.Context, int) error { <-release; return nil }, channelq.WorkerConfig[int]{
			Concurrency: 2, Key: func(int) string { return "one" },
		})
		for item := range 3 {
			enqueue(t, q, item)
			synctest.Wait()
		}
		ctx, begin := ofAHost(t)
		waits := make(chan error, 1)
		go func() { waits <- q.Enqueue(ctx, 3) }()
		synctest.Wait()
		begin()
		wantStopped(t, <-waits)
		wantStopped(t, q.Enqueue(ctx, 4)) // it would wait
		close(release)
	})
}
