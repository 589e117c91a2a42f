package channelq_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/lifecycle"
)

func TestWorkersHandleEveryItemOnce(t *testing.T) {
	const items = 10_000
	q := newQueue(t, channelq.Config[int]{Capacity: 64})
	var seen [items]atomic.Int32
	w := startWorkers(t, q, func(_ context.Context, i int) error { seen[i].Add(1); return nil },
		channelq.WorkerConfig[int]{Concurrency: 8})
	for i := range items {
		enqueue(t, q, i)
	}
	if err := w.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := range seen {
		if n := seen[i].Load(); n != 1 {
			t.Fatalf("item %d handled %d times", i, n)
		}
	}
	s := w.Stats()
	if s.Handled != items || s.Workers != 0 {
		t.Errorf("handled %d by %d workers: %+v", s.Handled, s.Workers, s)
	}
	checkBooks(t, s)
}

func TestExactlyConcurrencyHandlersRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		var now, most atomic.Int32
		w := startWorkers(t, q, func(context.Context, int) error {
			n := now.Add(1)
			most.Store(max(most.Load(), n))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 3})
		for i := range 100 {
			enqueue(t, q, i)
		}
		synctest.Wait()
		if n := now.Load(); n != 3 {
			t.Errorf("%d handlers run, want 3", n)
		}
		if err := w.Resize(5); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := now.Load(); n != 5 {
			t.Errorf("%d handlers run after Resize(5)", n)
		}
		if err := w.Resize(2); err != nil {
			t.Fatal(err)
		}
		most.Store(0)
		time.Sleep(5*time.Second + time.Millisecond)
		synctest.Wait()
		if n := now.Load(); n != 2 || w.Stats().Workers != 2 {
			t.Errorf("%d handlers run in %d workers after Resize(2)", n, w.Stats().Workers)
		}
		if err := w.Resize(0); err == nil {
			t.Error("Resize(0) was accepted")
		}
	})
}

func TestAFailedItemIsRetriedUpToItsAttemptsAndThenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Name: "emails", Capacity: 8})
		var at []time.Time
		var got error
		w := startWorkers(t, q, func(context.Context, string) error {
			at = append(at, time.Now())
			return io.ErrUnexpectedEOF
		}, channelq.WorkerConfig[string]{
			Concurrency: 1,
			Retry:       channelq.Retry{Attempts: 4, Initial: time.Second, Max: 2 * time.Second},
			OnGiveUp:    func(_ context.Context, _ string, err error) { got = err },
		})
		enqueue(t, q, "a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(at) != 4 {
			t.Fatalf("%d attempts, want 4", len(at))
		}
		for i, bound := range []time.Duration{time.Second, 2 * time.Second, 2 * time.Second} {
			if gap := at[i+1].Sub(at[i]); gap < 0 || gap > bound {
				t.Errorf("delay %d is %v, want at most %v", i+1, gap, bound)
			}
		}
		var final *channelq.GiveUpError
		if !errors.As(got, &final) || final.Attempts != 4 || !errors.Is(got, io.ErrUnexpectedEOF) {
			t.Errorf("given up with %v", got)
		}
		s := w.Stats()
		if s.GaveUp != 1 || s.Retried != 3 {
			t.Errorf("gave up %d, retried %d", s.GaveUp, s.Retried)
		}
		checkBooks(t, s)
	})
}

func TestARetryHoldsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 8})
		var order []int
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			order = append(order, i)
			if i == 1 && len(order) == 1 {
				return channelq.RetryAfter(io.EOF, time.Hour)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait()
		if s := w.Stats(); !slices.Equal(order, []int{1, 2, 3}) || s.Parked != 1 || !s.OldestDue.IsZero() {
			t.Errorf("handled %v with %d parked, oldest due %v", order, s.Parked, s.OldestDue)
		}
		checkBooks(t, w.Stats())
		time.Sleep(time.Hour)
		synctest.Wait()
		if !slices.Equal(order, []int{1, 2, 3, 1}) {
			t.Errorf("handled %v after the delay", order)
		}
		checkBooks(t, w.Stats())
	})
}

func TestAPanicOrGoexitCostsOneAttemptAndNoWorker(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 100})
	var mu sync.Mutex
	got := map[int]error{}
	w := startWorkers(t, q, func(_ context.Context, i int) error {
		switch i % 3 {
		case 0:
			panic(io.ErrShortWrite)
		case 1:
			runtime.Goexit()
		}
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: 2, OnGiveUp: func(_ context.Context, i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		got[i] = err
	}})
	for i := range 99 {
		enqueue(t, q, i)
	}
	if err := w.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := w.Stats()
	if s.Handled != 33 || s.GaveUp != 66 || s.Panics != 66 {
		t.Errorf("handled %d, gave up %d, panics %d", s.Handled, s.GaveUp, s.Panics)
	}
	for i, err := range got {
		want := []error{io.ErrShortWrite, lifecycle.ErrGoexit}[i%3]
		var caught *lifecycle.PanicError
		if !errors.As(err, &caught) || !errors.Is(err, want) || len(caught.Stack) == 0 {
			t.Errorf("item %d: %v, want a PanicError with %v", i, err, want)
		}
	}
	checkBooks(t, s)
}

func TestStopHandsTheBacklogToOnLeftoverBeforeItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "jobs", Capacity: 8})
		release := make(chan struct{})
		var left []int
		w := startWorkers(t, q, func(ctx context.Context, i int) error {
			if i == 0 {
				<-release // ignores its context
				return channelq.Permanent(io.ErrNoProgress)
			}
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), channelq.ErrStopping) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			return ctx.Err()
		}, channelq.WorkerConfig[int]{Concurrency: 2, OnGiveUp: func(context.Context, int, error) {
			t.Error("an item that was left over was also given up")
		}, OnLeftover: func(ctx context.Context, items []int) error {
			if ctx.Err() != nil {
				t.Error("OnLeftover's context has ended")
			}
			left = items
			return io.EOF
		}})
		enqueue(t, q, 0, 1, 2, 3)
		synctest.Wait()
		start := time.Now()
		err := w.Stop(within(t, 10*time.Second))
		if took := time.Since(start); took < 8*time.Second || took >= 10*time.Second {
			t.Errorf("Stop took %v", took)
		}
		var lost *channelq.LeftoverError
		if !errors.As(err, &lost) || lost.N != 4 || lost.Queue != "jobs" || !errors.Is(err, io.EOF) {
			t.Errorf("Stop = %v", err)
		}
		if !slices.Equal(left, []int{0, 1, 2, 3}) {
			t.Errorf("left over %v", left)
		}
		before := w.Stats()
		if before.Leftover != 4 || w.Leftover() != 4 {
			t.Errorf("left over %d", before.Leftover)
		}
		checkBooks(t, before)
		close(release)
		synctest.Wait()
		if after := w.Stats(); after != before {
			t.Errorf("the handler that returned late changed the books:\n%+v\n%+v", before, after)
		}
	})
}
