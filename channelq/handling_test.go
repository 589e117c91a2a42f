package channelq_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestItemsOfOneKeyRunOneAtATimeInOrderWhileOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Capacity: 20})
		release := make(chan struct{})
		var slow, fast []string
		w := startWorkers(t, q, func(_ context.Context, item string) error {
			if item[0] == 's' {
				<-release
				slow = append(slow, item)
			} else {
				fast = append(fast, item)
			}
			return nil
		}, channelq.WorkerConfig[string]{Concurrency: 3, Key: func(item string) string { return item[:1] }})
		enqueue(t, q, "s1", "s2", "s3", "s4", "s5", "f1", "f2", "f3")
		synctest.Wait()
		if s := w.Stats(); !slices.Equal(fast, []string{"f1", "f2", "f3"}) || s.InProgress != 1 || s.Parked != 4 {
			t.Errorf("handled %v: %+v", fast, s)
		}
		checkBooks(t, w.Stats())
		close(release)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !slices.Equal(slow, []string{"s1", "s2", "s3", "s4", "s5"}) {
			t.Errorf("handled %v", slow)
		}
		checkBooks(t, w.Stats())
	})
}

func TestLaterItemsOfAKeyWaitForTheRetryOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Capacity: 20})
		var order []string
		w := startWorkers(t, q, func(_ context.Context, item string) error {
			order = append(order, item)
			if item == "a1" && len(order) == 1 {
				return channelq.RetryAfter(io.EOF, time.Minute)
			}
			return nil
		}, channelq.WorkerConfig[string]{Concurrency: 1, Retry: channelq.Retry{Attempts: 3}, Key: func(item string) string { return item[:1] }})
		enqueue(t, q, "a1", "a2", "b1", "a3")
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []string{"a1", "b1", "a1", "a2", "a3"}; !slices.Equal(order, want) {
			t.Errorf("handled %v, want %v", order, want)
		}
		checkBooks(t, w.Stats())
	})
}

func TestWhatWaitsForItsKeyIsBoundedByTheCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 3})
		w := startWorkers(t, q, untilCancelled, channelq.WorkerConfig[int]{Concurrency: 4, Key: func(int) string { return "" }})
		n := 0
		for ; n < 100; n++ {
			synctest.Wait()
			if q.TryEnqueue(n) != nil {
				break
			}
		}
		if s := w.Stats(); n != 7 || s.Parked != 3 || s.Depth != 3 || s.InProgress != 1 {
			t.Errorf("%d items fit: %+v", n, s)
		}
		_ = w.Stop(within(t, time.Second))
		if w.LeftOver() != 7 {
			t.Errorf("left over %d", w.LeftOver())
		}
		checkBooks(t, w.Stats())
	})
}

func TestAnItemWithoutAKeyIsGivenUp(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			var handled atomic.Int32
			w := startWorkers(t, q, func(context.Context, int) error { handled.Add(1); return nil }, channelq.WorkerConfig[int]{
				Concurrency: 2, Retry: channelq.Retry{Attempts: 5},
				Key: func(i int) string {
					if i%2 == 0 {
						fail()
					}
					return "odd"
				},
			})
			enqueue(t, q, 0, 1, 2, 3, 4, 5)
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if s := w.Stats(); s.GaveUp != 3 || s.Handled != 3 || handled.Load() != 3 || s.Panics != 3 {
				t.Errorf("%+v", s)
			}
			checkBooks(t, w.Stats())
		})
	}
}

func TestNoHandlerStartsAfterPauseHasReturned(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 4})
	var paused atomic.Bool
	var order []int
	w := startWorkers(t, q, func(_ context.Context, i int) error {
		if paused.Load() {
			t.Error("a handler started while paused")
		}
		order = append(order, i)
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: 1})
	go func() {
		for i := range 5000 {
			_ = q.Enqueue(context.Background(), i)
		}
		q.Close()
	}()
	for range 500 {
		w.Pause()
		// A handler that began before may still be on its first lines.
		for w.Stats().InProgress > 0 {
			runtime.Gosched()
		}
		paused.Store(true)
		for range 20 {
			runtime.Gosched()
		}
		paused.Store(false)
		w.Resume()
	}
	<-w.Done()
	if len(order) != 5000 || !slices.IsSorted(order) {
		t.Errorf("%d items came, not all in order", len(order))
	}
}

func TestAPausedQueueFillsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		var got []int
		w := startWorkers(t, q, func(_ context.Context, i int) error { got = append(got, i); return nil }, channelq.WorkerConfig[int]{Concurrency: 1})
		synctest.Wait()
		w.Pause()
		synctest.Wait() // until nobody is about to take any more
		enqueue(t, q, 0, 1, 2, 3)
		synctest.Wait()
		if err := q.TryEnqueue(4); !errors.Is(err, channelq.ErrFull) || len(got) != 0 || !w.Paused() {
			t.Errorf("TryEnqueue = %v, handled %v", err, got)
		}
		w.Resume()
		synctest.Wait()
		if !slices.Equal(got, []int{0, 1, 2, 3}) || w.Paused() {
			t.Errorf("handled %v", got)
		}
	})
}

func TestNoMoreAttemptsStartThanTheRateLimitAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		var n atomic.Int32
		w := startWorkers(t, q, func(context.Context, int) error { n.Add(1); return nil },
			channelq.WorkerConfig[int]{Concurrency: 4, RateLimit: 10, Burst: 2})
		time.Sleep(time.Minute) // saves up no more than the burst
		for i := range 100 {
			enqueue(t, q, i)
		}
		synctest.Wait()
		if n.Load() != 2 {
			t.Errorf("%d at once, want the burst", n.Load())
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if n.Load() != 12 {
			t.Errorf("%d after a second", n.Load())
		}
		if err := w.RateLimit(0, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // those that wait already do so by the old limit
		synctest.Wait()
		if n.Load() != 100 {
			t.Errorf("%d without a limit", n.Load())
		}
		if err := w.RateLimit(-1, 0); err == nil {
			t.Error("a negative limit was accepted")
		}
	})
}

func TestAStopDoesNotWaitForTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, nothing, channelq.WorkerConfig[int]{Concurrency: 2, RateLimit: 0.001})
		enqueue(t, q, 1, 2, 3)
		_ = w.Stop(within(t, 10*time.Second))
		if s := w.Stats(); s.Handled != 1 || s.LeftOver != 2 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
	})
}

func TestTimeoutEndsTheHandlersContextWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var got error
		w := startWorkers(t, q, func(ctx context.Context, _ int) error { <-ctx.Done(); return io.EOF },
			channelq.WorkerConfig[int]{Timeout: time.Second, OnGiveUp: func(_ context.Context, _ int, err error) { got = err }})
		enqueue(t, q, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if !errors.Is(got, channelq.ErrTimeout) || !errors.Is(got, context.DeadlineExceeded) || !errors.Is(got, io.EOF) {
			t.Errorf("given up with %v", got)
		}
		checkBooks(t, w.Stats())
	})
}

func TestAPermanentErrorAndOneTheFilterRejectsAreNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[error]{Capacity: 10})
		attempts := map[error]int{}
		plain, permanent, filtered, poison := errors.New("plain"), channelq.Permanent(io.EOF), io.ErrNoProgress, io.ErrShortBuffer
		w := startWorkers(t, q, func(_ context.Context, err error) error { attempts[err]++; return err }, channelq.WorkerConfig[error]{
			Concurrency: 1,
			Retry: channelq.Retry{Attempts: 3, If: func(err error) bool {
				if errors.Is(err, poison) {
					runtime.Goexit()
				}
				return !errors.Is(err, filtered)
			}},
		})
		enqueue(t, q, plain, permanent, filtered, poison)
		time.Sleep(time.Hour)
		synctest.Wait()
		if attempts[plain] != 3 || attempts[permanent] != 1 || attempts[filtered] != 1 || attempts[poison] != 1 {
			t.Errorf("attempts %v", attempts)
		}
		if s := w.Stats(); s.GaveUp != 4 || s.Workers != 1 {
			t.Errorf("%+v", s)
		}
		if channelq.Permanent(nil) != nil || channelq.RetryAfter(nil, 1) != nil {
			t.Error("a mark makes an error of nil")
		}
	})
}

func TestAnOnGiveUpThatDoesNotReturnCostsNothing(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			calls := 0
			w := startWorkers(t, q, func(context.Context, int) error { runtime.Goexit(); return nil },
				channelq.WorkerConfig[int]{Concurrency: 1, OnGiveUp: func(context.Context, int, error) { calls++; fail() }})
			enqueue(t, q, 1, 2, 3)
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if s := w.Stats(); calls != 3 || s.GaveUp != 3 || s.Panics != 6 {
				t.Errorf("%d calls: %+v", calls, s)
			}
			checkBooks(t, w.Stats())
		})
	}
}

func TestBeyondTheCapacityAFailedItemKeepsItsWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		var handled []int
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			handled = append(handled, i)
			if len(handled) <= 2 {
				return channelq.RetryAfter(io.EOF, time.Minute)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 1, 2)
		synctest.Wait()
		enqueue(t, q, 3)
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.Stats(); s.Parked != 1 || s.InProgress != 1 || s.Depth != 1 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
		time.Sleep(time.Hour)
		synctest.Wait()
		slices.Sort(handled[2:])
		if !slices.Equal(handled, []int{1, 2, 1, 2, 3}) {
			t.Errorf("handled %v", handled)
		}
	})
}

func TestADueRetryGoesBeforeWhatIsInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var order []int
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			order = append(order, i)
			time.Sleep(time.Second)
			if i == 0 && len(order) == 1 {
				return channelq.RetryAfter(io.EOF, 1500*time.Millisecond)
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 0, 1, 2, 3, 4)
		time.Sleep(2700 * time.Millisecond)
		due := time.Now().Add(-200 * time.Millisecond)
		if s := w.Stats(); s.OldestDue.After(due) || s.OldestDue.IsZero() {
			t.Errorf("oldest due %v, want no later than %v", s.OldestDue, due)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(order, []int{0, 1, 2, 0, 3, 4}) {
			t.Errorf("handled %v", order)
		}
	})
}

func TestNothingWaitsBehindAStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		w := startWorkers(t, q, func(ctx context.Context, i int) error {
			if i == 0 {
				<-ctx.Done()
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2})
		for i := range 100 {
			enqueue(t, q, i)
		}
		synctest.Wait()
		if s := w.Stats(); s.Handled != 99 || s.InProgress != 1 {
			t.Errorf("%+v", s)
		}
		_ = w.Stop(within(t, time.Second))
	})
}

func TestFailuresCanBeRequeuedAndDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 2})
		broken := true
		w := startWorkers(t, q, func(context.Context, int) error {
			if broken {
				return io.EOF
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, KeepFailures: 3})
		for i := range 5 {
			enqueue(t, q, i)
			synctest.Wait()
		}
		list := w.Failures()
		if len(list) != 3 || list[0].Item != 2 || list[0].ID != 3 || list[0].Attempts != 1 || !errors.Is(list[0].Err, io.EOF) || !list[0].At.Equal(time.Now()) {
			t.Fatalf("failures %+v", list)
		}
		broken = false
		w.Pause()
		synctest.Wait()
		enqueue(t, q, 10, 11)
		if err := w.Requeue(3); !errors.Is(err, channelq.ErrFull) || len(w.Failures()) != 3 {
			t.Errorf("Requeue into a full queue = %v", err)
		}
		w.Resume()
		synctest.Wait()
		if err := w.Requeue(3); err != nil {
			t.Errorf("Requeue = %v", err)
		}
		if err := w.Discard(4); err != nil {
			t.Errorf("Discard = %v", err)
		}
		if w.Requeue(3) == nil || w.Discard(4) == nil {
			t.Error("a failure was taken twice")
		}
		synctest.Wait()
		if s := w.Stats(); s.Handled != 3 || s.GaveUp != 5 || s.Accepted != 8 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
		if list := w.Failures(); len(list) != 1 || list[0].ID != 5 {
			t.Errorf("failures %+v", list)
		}
	})
}

func TestOneAttemptIn64OfEachWorkerIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 200})
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(20 * time.Millisecond); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1})
		for i := range 129 {
			enqueue(t, q, i)
		}
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := w.Stats().Handle
		if h.Count != 3 || h.Sum != 60*time.Millisecond {
			t.Errorf("%d samples of together %v", h.Count, h.Sum)
		}
		for i, bound := range channelq.HistogramBounds() {
			want := uint64(0)
			if bound >= 20*time.Millisecond {
				want = 3
			}
			if h.Cumulative[i] != want {
				t.Errorf("%d samples of at most %v, want %d", h.Cumulative[i], bound, want)
			}
		}
	})
}

func TestLogLinesNameTheQueueAndNeverThePayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		q := newQueue(t, channelq.Config[string]{Name: "emails", Capacity: 10})
		w := startWorkers(t, q, func(context.Context, string) error { return io.EOF }, channelq.WorkerConfig[string]{
			Concurrency: 1, Retry: channelq.Retry{Attempts: 2}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
		})
		enqueue(t, q, "secret")
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if strings.Contains(text, "secret") {
			t.Errorf("the payload is in the log:\n%s", text)
		}
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "queue=emails") {
				t.Errorf("no queue in %q", line)
			}
		}
		for _, want := range []string{"level=WARN", "level=ERROR", "attempt=2", "error=EOF"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in the log:\n%s", want, text)
			}
		}
	})
}

func TestConfigurationsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	for field, cfg := range map[string]channelq.WorkerConfig[int]{
		"Concurrency":    {Concurrency: -1},
		"Timeout":        {Timeout: -1},
		"RateLimit":      {RateLimit: -1},
		"Burst":          {Burst: -1},
		"Retry.Attempts": {Retry: channelq.Retry{Attempts: -1}},
		"Retry.Initial":  {Retry: channelq.Retry{Initial: -1}},
		"Retry.Factor":   {Retry: channelq.Retry{Factor: 0.5}},
	} {
		if _, err := channelq.NewWorkers(q, nothing, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, cfg := range map[string]channelq.BatchConfig[int]{
		"MaxItems": {MaxItems: -1}, "MaxWait": {MaxWait: -1}, "Timeout": {Timeout: -1}, "Retry.Max": {Retry: channelq.Retry{Max: -1}},
	} {
		if _, err := channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := channelq.NewWorkers[int](nil, nothing, channelq.WorkerConfig[int]{}); err == nil {
		t.Error("workers without a queue")
	}
	newWorkers(t, q, nothing, channelq.WorkerConfig[int]{}) // the refused ones have not claimed it
}

func TestItemsThatComeDueTogetherAreHandledTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		for _, closed := range []bool{false, true} { // workers wait in the queue, or beside it
			var now, most atomic.Int32
			var broken atomic.Bool
			broken.Store(true)
			w := startWorkers(t, q, func(context.Context, int) error {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				if broken.Load() {
					return channelq.RetryAfter(io.EOF, time.Hour)
				}
				return nil
			}, channelq.WorkerConfig[int]{Concurrency: 8, Detach: true, Retry: channelq.Retry{Attempts: 3}})
			for i := range 8 {
				enqueue(t, q, i)
			}
			synctest.Wait()
			if closed {
				q.Close()
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if s := w.Stats(); s.Parked != 8 {
				t.Fatalf("%+v", s)
			}
			most.Store(0)
			broken.Store(false)
			time.Sleep(time.Hour)
			synctest.Wait()
			if most.Load() != 8 {
				t.Errorf("closed %v: %d of the due items ran at a time, want 8", closed, most.Load())
			}
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPauseHoldsAnItemThatIsAlreadyInAWorkersHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var got []int
		w := startWorkers(t, q, func(_ context.Context, i int) error { got = append(got, i); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1, RateLimit: 1})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait() // 2 is in hand and waits for the rate limit
		w.Pause()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(got, []int{1}) {
			t.Errorf("handled %v while paused", got)
		}
		checkBooks(t, w.Stats())
		w.Resume()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("handled %v", got)
		}
	})
}

func TestAStopStartsNoHandlerForAnItemThatKeptItsWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{}) // nothing can be parked
		attempts := 0
		w := startWorkers(t, q, func(context.Context, int) error {
			attempts++
			return channelq.RetryAfter(io.EOF, time.Hour)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 5}})
		enqueue(t, q, 1)
		synctest.Wait()
		_ = w.Stop(within(t, time.Minute))
		if s := w.Stats(); attempts != 1 || s.LeftOver != 1 || s.Parked != 0 {
			t.Errorf("%d attempts: %+v", attempts, s)
		}
		checkBooks(t, w.Stats())
	})
}
