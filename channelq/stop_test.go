package channelq_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func nothing(context.Context, int) error { return nil }

// untilCancelled is a handler that does nothing but wait for its end.
func untilCancelled(ctx context.Context, _ int) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestStopDrainsTheQueueAndReturnsWhenThatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(time.Second); return nil },
			channelq.WorkerConfig[int]{Concurrency: 2})
		for i := range 10 {
			enqueue(t, q, i)
		}
		start := time.Now()
		if err := w.Stop(within(t, time.Minute)); err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("Stop = %v after %v", err, time.Since(start))
		}
		if err := q.Enqueue(t.Context(), 1); !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("Enqueue after the stop = %v", err)
		}
		if s := w.Stats(); s.Handled != 10 {
			t.Errorf("%+v", s)
		}
		<-w.Done()
		if w.Err() != nil || w.Stop(t.Context()) != nil || w.Leftover() != 0 {
			t.Errorf("Err %v, left over %d", w.Err(), w.Leftover())
		}
	})
}

func TestAStopWhoseContextIsCancelledCutsTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, before := range []bool{true, false} {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			w := startWorkers(t, q, untilCancelled, channelq.WorkerConfig[int]{Concurrency: 1})
			enqueue(t, q, 1, 2, 3)
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			if before {
				cancel()
			} else {
				time.AfterFunc(time.Minute, cancel)
			}
			start := time.Now()
			err := w.Stop(ctx)
			cancel()
			var left *channelq.LeftoverError
			if !errors.As(err, &left) || left.N != 3 {
				t.Errorf("Stop = %v", err)
			}
			if took := time.Since(start); before && took != 0 || !before && took != time.Minute {
				t.Errorf("Stop took %v", took)
			}
			checkBooks(t, w.Stats())
		}
	})
}

func TestStopBeforeStartLeavesEverythingOver(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 10})
	var left []int
	w := newWorkers(t, q, nothing, channelq.WorkerConfig[int]{OnLeftover: func(_ context.Context, items []int) error {
		left = items
		return nil
	}})
	enqueue(t, q, 1, 2)
	if err := w.Stop(t.Context()); err != nil || !slices.Equal(left, []int{1, 2}) || w.Leftover() != 2 {
		t.Errorf("Stop = %v with %v left over", err, left)
	}
	if err := w.Start(t.Context()); err == nil {
		t.Error("started after Stop")
	}
	checkBooks(t, w.Stats())
}

func TestManyMayStopAndAllGetTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, untilCancelled, channelq.WorkerConfig[int]{Concurrency: 1})
		enqueue(t, q, 1)
		synctest.Wait()
		first := make(chan error)
		go func() { first <- w.Stop(within(t, time.Minute)) }()
		synctest.Wait()
		if err := w.Stop(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the impatient Stop = %v", err)
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				var left *channelq.LeftoverError
				if err := w.Stop(context.Background()); !errors.As(err, &left) || left.N != 1 {
					t.Errorf("Stop = %v", err)
				}
			})
		}
		if err := <-first; err == nil {
			t.Error("the first Stop returned nil")
		}
		wg.Wait()
	})
}

func TestStopInsideAHandlerIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var w *channelq.Workers[int]
		var got error
		w = newWorkers(t, q, func(ctx context.Context, _ int) error { got = w.Stop(ctx); return nil }, channelq.WorkerConfig[int]{})
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, 1)
		synctest.Wait()
		if !errors.Is(got, channelq.ErrInside) {
			t.Errorf("Stop = %v", got)
		}
		enqueue(t, q, 2) // still open
		if err := w.Stop(t.Context()); err != nil {
			t.Errorf("Stop from outside = %v", err)
		}
	})
}

func TestAHandlerThatEnqueuesIntoItsOwnFullQueueIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		other := newQueue(t, channelq.Config[int]{Capacity: 1})
		var fits, full, batch, elsewhere error
		var n int
		startWorkers(t, q, func(ctx context.Context, i int) error {
			if i != 0 {
				return nil
			}
			fits = q.Enqueue(ctx, 1)
			full = q.Enqueue(ctx, 2)
			n, batch = q.EnqueueAll(ctx, []int{3, 4})
			elsewhere = other.Enqueue(ctx, 1) // waits
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1})
		enqueue(t, other, 0)
		enqueue(t, q, 0)
		synctest.Wait()
		if fits != nil || !errors.Is(full, channelq.ErrFull) || n != 0 || !errors.Is(batch, channelq.ErrFull) {
			t.Errorf("Enqueue = %v, then %v; EnqueueAll = %d, %v", fits, full, n, batch)
		}
		if _, err := other.Dequeue(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if elsewhere != nil || other.Len() != 1 {
			t.Errorf("Enqueue into another full queue = %v", elsewhere)
		}
	})
}

func TestStopWhilePausedLeavesTheBacklogOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(time.Second); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait()
		w.Pause()
		err := w.Stop(t.Context())
		var left *channelq.LeftoverError
		if s := w.Stats(); !errors.As(err, &left) || left.N != 2 || s.Handled != 1 {
			t.Errorf("Stop = %v: %+v", err, s)
		}
		checkBooks(t, w.Stats())
	})
}

func TestParkedItemsAreWaitedForOnlyIfTheyComeDueInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var left []int
		var attempts int
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			if attempts++; attempts > 2 {
				return nil
			}
			return channelq.RetryAfter(io.EOF, time.Duration(i)*time.Second)
		}, channelq.WorkerConfig[int]{
			Concurrency: 1, Retry: channelq.Retry{Attempts: 2},
			OnLeftover: func(_ context.Context, items []int) error { left = items; return io.EOF },
		})
		enqueue(t, q, 5, 100)
		synctest.Wait()
		start := time.Now()
		err := w.Stop(within(t, 20*time.Second))
		if !errors.Is(err, io.EOF) || time.Since(start) != 5*time.Second || !slices.Equal(left, []int{100}) {
			t.Errorf("Stop = %v after %v with %v left over", err, time.Since(start), left)
		}
		checkBooks(t, w.Stats())
	})
}

func TestAnOnLeftoverThatHangsDoesNotHoldUpTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		release := make(chan struct{})
		w := newWorkers(t, q, nothing, channelq.WorkerConfig[int]{OnLeftover: func(context.Context, []int) error {
			<-release
			return nil
		}})
		enqueue(t, q, 1)
		start := time.Now()
		err := w.Stop(within(t, 10*time.Second))
		var left *channelq.LeftoverError
		if took := time.Since(start); !errors.As(err, &left) || !errors.Is(err, context.DeadlineExceeded) || took >= 10*time.Second {
			t.Errorf("Stop = %v after %v", err, took)
		}
		close(release)
	})
}

func TestAPanicOfOnLeftoverIsPartOfTheError(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 10})
	w := newWorkers(t, q, nothing, channelq.WorkerConfig[int]{OnLeftover: func(context.Context, []int) error { panic(io.ErrClosedPipe) }})
	enqueue(t, q, 1)
	if err := w.Stop(t.Context()); !errors.Is(err, io.ErrClosedPipe) || w.Stats().Panics != 1 {
		t.Errorf("Stop = %v: %+v", err, w.Stats())
	}
}
