package channelq_test

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func startBatcher[T any](t testing.TB, q *channelq.Queue[T], handle func(context.Context, []T) error, cfg channelq.BatchConfig[T]) *channelq.Batcher[T] {
	t.Helper()
	b, err := channelq.NewBatcher(q, handle, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop(context.Background()) })
	return b
}

// batches collects what a batcher hands over, and when.
type batches struct {
	got [][]int
	at  []time.Time
}

func (b *batches) handle(_ context.Context, items []int) error {
	b.got = append(b.got, items)
	b.at = append(b.at, time.Now())
	return nil
}

func TestAMaxItemsThatNothingCanHoldJustNeverFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 16})
		var got batches
		b := startBatcher(t, q, got.handle, channelq.BatchConfig[int]{MaxItems: math.MaxInt, MaxWait: time.Second})
		enqueue(t, q, 1, 2, 3)
		time.Sleep(2 * time.Second)
		if err := b.Stop(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		if len(got.got) != 1 || len(got.got[0]) != 3 {
			t.Errorf("handed over %v, want one batch of three", got.got)
		}
	})
}

func TestAFullBatchIsHandedOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 16})
		var got batches
		b := startBatcher(t, q, got.handle, channelq.BatchConfig[int]{MaxItems: 3, MaxWait: time.Hour})
		start := time.Now()
		enqueue(t, q, 1, 2, 3, 4)
		synctest.Wait()
		if len(got.got) != 1 || !slices.Equal(got.got[0], []int{1, 2, 3}) || !got.at[0].Equal(start) {
			t.Errorf("got %v at %v", got.got, got.at)
		}
		if s := b.Stats(); s.Handled != 3 || s.InProgress != 1 {
			t.Errorf("handled %d, in progress %d", s.Handled, s.InProgress)
		}
		checkBooks(t, b.Stats())
	})
}

func TestAPartBatchIsHandedOverWhenItsOldestItemHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 16})
		var got batches
		startBatcher(t, q, got.handle, channelq.BatchConfig[int]{MaxItems: 10, MaxWait: time.Second})
		time.Sleep(3 * time.Second) // an idle time is no wait
		first := time.Now()
		enqueue(t, q, 1)
		time.Sleep(700 * time.Millisecond)
		enqueue(t, q, 2)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(got.got) != 1 || !slices.Equal(got.got[0], []int{1, 2}) || got.at[0].Sub(first) != time.Second {
			t.Errorf("got %v after %v", got.got, got.at[0].Sub(first))
		}
	})
}

func TestWithoutMaxWaitABatchIsWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 500})
		var sizes []int
		startBatcher(t, q, func(_ context.Context, items []int) error {
			sizes = append(sizes, len(items))
			time.Sleep(time.Second)
			return nil
		}, channelq.BatchConfig[int]{})
		enqueue(t, q, 0)
		synctest.Wait()
		for i := range 250 {
			enqueue(t, q, i)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(sizes, []int{1, 100, 100, 50}) {
			t.Errorf("sizes %v", sizes)
		}
	})
}

func TestOnlyTheFailedItemsOfABatchAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 16})
		var got batches
		var given []int
		b := startBatcher(t, q, func(ctx context.Context, items []int) error {
			_ = got.handle(ctx, items)
			failed := map[int]error{}
			for i, item := range items {
				switch {
				case item == 2:
					failed[i] = io.EOF
				case item == 3:
					failed[i] = channelq.Permanent(io.EOF)
				case item == 4 && len(got.got) == 1:
					failed[i] = channelq.RetryAfter(io.EOF, time.Minute)
				}
			}
			return &channelq.BatchError{Failed: failed}
		}, channelq.BatchConfig[int]{
			MaxItems: 4, MaxWait: time.Hour,
			Retry:    channelq.Retry{Attempts: 2, Initial: time.Second},
			OnGiveUp: func(_ context.Context, item int, _ error) { given = append(given, item) },
		})
		enqueue(t, q, 1, 2, 3, 4)
		time.Sleep(2 * time.Minute)
		if err := b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(got.got) != 2 || !slices.Equal(got.got[1], []int{2, 4}) {
			t.Errorf("batches %v", got.got)
		}
		slices.Sort(given)
		if s := b.Stats(); !slices.Equal(given, []int{2, 3}) || s.Handled != 2 || s.GaveUp != 2 || s.Retried != 2 {
			t.Errorf("gave up %v: %+v", given, s)
		}
		checkBooks(t, b.Stats())
		if list := b.Failures(); len(list) != 2 || list[0].Item != 3 || list[0].Attempts != 1 {
			t.Errorf("failures %+v", list)
		}
	})
}

func TestAFailedBatchFailsAllItsItems(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return io.EOF },
		"a position that is not in the batch": func() error {
			return &channelq.BatchError{Failed: map[int]error{0: io.EOF, 2: io.EOF}}
		},
		"panic":  func() error { panic("boom") },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, channelq.Config[int]{Capacity: 16})
				var got batches
				b := startBatcher(t, q, func(ctx context.Context, items []int) error {
					_ = got.handle(ctx, items)
					if len(got.got) == 1 {
						return fail()
					}
					return nil
				}, channelq.BatchConfig[int]{MaxItems: 2, MaxWait: time.Second, Retry: channelq.Retry{Attempts: 2, Initial: time.Second}})
				enqueue(t, q, 1, 2)
				time.Sleep(time.Minute)
				synctest.Wait()
				var again []int
				for _, batch := range got.got[1:] {
					again = append(again, batch...)
				}
				slices.Sort(again)
				if s := b.Stats(); !slices.Equal(again, []int{1, 2}) || s.Handled != 2 || s.Workers != 1 {
					t.Errorf("retried %v: %+v", again, s)
				}
				checkBooks(t, b.Stats())
			})
		})
	}
}

func TestFlushHandsOverEverythingEnqueuedBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		var total int
		var b *channelq.Batcher[int]
		b = startBatcher(t, q, func(ctx context.Context, items []int) error {
			time.Sleep(time.Second)
			total += len(items)
			if err := b.Flush(ctx); !errors.Is(err, channelq.ErrInside) {
				t.Errorf("Flush inside the handler = %v", err)
			}
			return nil
		}, channelq.BatchConfig[int]{MaxItems: 10, MaxWait: time.Hour})
		if err := b.Flush(context.Background()); err != nil { // nothing to do
			t.Fatal(err)
		}
		for i := range 25 {
			enqueue(t, q, i)
		}
		if err := b.Flush(context.Background()); err != nil || total != 25 {
			t.Errorf("Flush = %v with %d items handled", err, total)
		}
		enqueue(t, q, 1)
		if err := b.Flush(within(t, time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush = %v, want the deadline", err)
		}
		if err := b.Stop(context.Background()); err != nil || total != 26 {
			t.Errorf("Stop = %v with %d items handled", err, total)
		}
		if err := b.Flush(context.Background()); err != nil {
			t.Errorf("Flush after a clean stop = %v", err)
		}
	})
}

func TestCloseHandsOverThePartBatchAndEndsTheBatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 16})
		var got batches
		b := startBatcher(t, q, got.handle, channelq.BatchConfig[int]{MaxItems: 10, MaxWait: time.Hour})
		enqueue(t, q, 1, 2)
		synctest.Wait()
		q.Close()
		<-b.Done()
		if len(got.got) != 1 || !slices.Equal(got.got[0], []int{1, 2}) || b.Err() != nil {
			t.Errorf("got %v, Err %v", got.got, b.Err())
		}
	})
}

func TestABatcherWhoseHandlerIgnoresItsContextStopsBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "b", Capacity: 16})
		release := make(chan struct{})
		var left []int
		b := startBatcher(t, q, func(context.Context, []int) error { <-release; return io.EOF },
			channelq.BatchConfig[int]{MaxItems: 2, MaxWait: time.Hour, OnLeftover: func(_ context.Context, items []int) error {
				left = items
				return nil
			}})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait()
		start := time.Now()
		if err := b.Stop(within(t, 5*time.Second)); err != nil {
			t.Errorf("Stop = %v although OnLeftover took everything", err)
		}
		if took := time.Since(start); took >= 5*time.Second {
			t.Errorf("Stop took %v", took)
		}
		if !slices.Equal(left, []int{1, 2, 3}) || b.Leftover() != 3 {
			t.Errorf("left over %v", left)
		}
		before := b.Stats()
		checkBooks(t, before)
		close(release)
		synctest.Wait()
		if after := b.Stats(); after != before {
			t.Errorf("the handler that returned late changed the books:\n%+v\n%+v", before, after)
		}
	})
}

func TestFlushDoesNotWaitForItemsThatSomebodyElseTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		calls := 0
		b := startBatcher(t, q, func(context.Context, []int) error {
			if calls++; calls == 1 {
				return channelq.RetryAfter(io.EOF, time.Minute)
			}
			return nil
		}, channelq.BatchConfig[int]{MaxItems: 2, MaxWait: time.Hour, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 1, 2)
		synctest.Wait() // both are parked: more than the capacity, so nothing is taken
		enqueue(t, q, 3)
		flushed := make(chan error, 1)
		go func() { flushed <- b.Flush(t.Context()) }()
		synctest.Wait()
		if got, err := q.TryDequeue(); got != 3 || err != nil {
			t.Fatal(got, err)
		}
		if err := <-flushed; err != nil {
			t.Error(err)
		}
		checkBooks(t, b.Stats())
	})
}
