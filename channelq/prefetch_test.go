package channelq_test

import (
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

// In a bubble a handler that does not sleep takes no time, so that workers take
// items ahead as soon as there is a backlog.

func TestNothingWaitsBehindStuckHandlersWhileAnotherWorkerIsIdle(t *testing.T) {
	const items, workers = 600, 4
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: items})
			for i := range items {
				enqueue(t, q, i)
			}
			stuck := rand.Perm(items)[:workers-1]
			release := make(chan struct{})
			w := startWorkers(t, q, func(_ context.Context, i int) error {
				if slices.Contains(stuck, i) {
					<-release
				}
				return nil
			}, channelq.WorkerConfig[int]{Concurrency: workers})
			synctest.Wait()
			s := w.Stats()
			if s.Handled != items-workers+1 || s.InProgress != workers-1 || s.Parked != 0 {
				t.Errorf("stuck at %v: %+v", stuck, s)
			}
			checkBooks(t, s)
			close(release)
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatAStuckWorkerTookAheadIsHandledAlsoWhileOthersAreBusy(t *testing.T) {
	const items = 512
	for round := range 10 {
		q := newQueue(t, channelq.Config[int]{Capacity: 2 * items})
		var seen [items]atomic.Bool
		var left atomic.Int32
		left.Store(items - 1)
		all, release := make(chan struct{}), make(chan struct{})
		w := newWorkers(t, q, func(_ context.Context, i int) error {
			if i == items/2+round {
				<-release
			} else if !seen[i].Swap(true) && left.Add(-1) == 0 {
				close(all)
			}
			if left.Load() > 0 {
				_ = q.TryEnqueue(0) // so that there is always something to do
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2})
		for i := range items {
			enqueue(t, q, i)
		}
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-all
		close(release)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		checkBooks(t, w.Stats())
	}
}

// TestNothingStartsOnceARunIsCutShort calls from inside a handler, when its
// worker has more items in its hands.
func TestNothingStartsOnceARunIsCutShort(t *testing.T) {
	const items, at = 500, 200
	cuts := map[string]struct {
		cut  func(*channelq.Workers[int])
		more int // that may start at this moment
	}{
		"pause": {func(w *channelq.Workers[int]) { w.Pause() }, 0},
		"limit": {func(w *channelq.Workers[int]) { _ = w.RateLimit(1, 1) }, 1},
	}
	for name, c := range cuts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, channelq.Config[int]{Capacity: items})
				for i := range items {
					enqueue(t, q, i)
				}
				var mu sync.Mutex
				var order []int
				var w *channelq.Workers[int]
				w = newWorkers(t, q, func(_ context.Context, i int) error {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
					if i == at {
						c.cut(w)
					}
					return nil
				}, channelq.WorkerConfig[int]{Concurrency: 1})
				if err := w.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				mu.Lock()
				started := len(order)
				mu.Unlock()
				if started != at+1+c.more {
					t.Errorf("%d started after the call, want %d", started-at-1, c.more)
				}
				checkBooks(t, w.Stats())
				_ = w.RateLimit(0, 0)
				w.Resume()
				if err := w.Stop(t.Context()); err != nil {
					t.Error(err)
				}
				if len(order) != items || !slices.IsSorted(order) {
					t.Errorf("handled %d items, or not in order", len(order))
				}
			})
		})
	}
}

func TestNoHandlerStartsAfterPauseAlsoWithABacklog(t *testing.T) {
	const workers = 3
	q := newQueue(t, channelq.Config[int]{Capacity: 256})
	var paused atomic.Bool
	w := startWorkers(t, q, func(context.Context, int) error {
		if paused.Load() {
			t.Error("a handler started while paused")
		}
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: workers})
	stop := make(chan struct{})
	produced := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				produced <- n
				return
			default:
				_ = q.Enqueue(context.Background(), n)
			}
		}
	}()
	for range 300 {
		w.Pause()
		// Those that began before have to end. A snapshot may be too small by what
		// a worker gives back meanwhile, which each does once at most: of so many
		// in a row one is right.
		for zeros := 0; zeros <= workers; zeros++ {
			if w.Stats().InProgress > 0 {
				zeros = -1
				time.Sleep(time.Microsecond)
			}
		}
		paused.Store(true)
		time.Sleep(20 * time.Microsecond)
		paused.Store(false)
		w.Resume()
		time.Sleep(20 * time.Microsecond)
	}
	close(stop)
	n := <-produced
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s := w.Stats(); s.Handled != uint64(n) {
		t.Errorf("%d produced: %+v", n, s)
	}
	checkBooks(t, w.Stats())
}

func TestAnItemThatKeptItsWorkerIsNotStartedWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{}) // nothing can be parked
		attempts := 0
		w := startWorkers(t, q, func(context.Context, int) error {
			if attempts++; attempts > 1 {
				return nil
			}
			time.Sleep(time.Second)
			return channelq.RetryAfter(io.EOF, time.Minute)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 1)
		synctest.Wait()
		w.Pause() // while it runs
		time.Sleep(time.Hour)
		synctest.Wait()
		if attempts != 1 {
			t.Errorf("%d attempts while paused", attempts)
		}
		checkBooks(t, w.Stats())
		w.Resume()
		synctest.Wait()
		if attempts != 2 || w.Stats().Handled != 1 {
			t.Errorf("%d attempts: %+v", attempts, w.Stats())
		}
	})
}

func TestFailuresPanicsAndGoexitsInTheMidstOfARunCostOnlyTheirItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const items = 1000
		q := newQueue(t, channelq.Config[int]{Capacity: items})
		var attempts [items]int32
		for i := range items {
			enqueue(t, q, i)
		}
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			n := atomic.AddInt32(&attempts[i], 1)
			switch {
			case n == 1 && i%50 == 7:
				return channelq.RetryAfter(io.EOF, time.Second)
			case n == 1 && i%50 == 13:
				panic(io.ErrNoProgress)
			case n == 1 && i%50 == 23:
				runtime.Goexit()
			case i%50 == 31:
				return channelq.Permanent(io.EOF)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2, Retry: channelq.Retry{Attempts: 2}})
		time.Sleep(time.Minute)
		synctest.Wait()
		s := w.Stats()
		if s.Handled != 980 || s.GaveUp != 20 || s.Retried != 60 || s.Panics != 40 {
			t.Errorf("%+v", s)
		}
		for i, n := range attempts {
			want := int32(1)
			if i%50 == 7 || i%50 == 13 || i%50 == 23 {
				want = 2
			}
			if n != want {
				t.Errorf("item %d: %d attempts, want %d", i, n, want)
			}
		}
		checkBooks(t, s)
	})
}

// TestACallIsPassedOnByAWorkerThatGotAnotherItem lets an item come due and
// another one come in at the same moment, so that a worker is called for the first
// and gets the second.
func TestACallIsPassedOnByAWorkerThatGotAnotherItem(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 10})
	const stuck, quick = -1, -2
	release, again := make(chan struct{}), make(chan struct{})
	w := startWorkers(t, q, func(ctx context.Context, i int) error {
		switch info, _ := channelq.Attempt(ctx); {
		case i == quick:
		case i == stuck:
			<-release
		case info.Attempt == 1:
			return channelq.RetryAfter(io.EOF, time.Hour)
		default:
			again <- struct{}{}
		}
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: 2, Retry: channelq.Retry{Attempts: 2}})
	// Which of the two gets the stuck item depends on who waited first: in half of the
	// rounds it is the one that is called for the due item.
	for range 60 {
		for range rand.IntN(2) {
			enqueue(t, q, quick)
		}
		enqueue(t, q, 0)
		w.CallWhileAllWait(1, func() {
			enqueue(t, q, stuck)
			for q.Len() > 0 { // until one of them has it
				runtime.Gosched()
			}
		})
		<-again // would never come if the due item waited for the stuck one
		release <- struct{}{}
	}
}
