package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/lifecycle"
)

func TestAFailureHasItsLastAttemptsWithTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "q", Capacity: 10, Stamp: true})
		began, n := time.Now(), 0
		w := startWorkers(t, q, func(_ context.Context, _ int) error {
			n++
			time.Sleep(time.Duration(n) * time.Second)
			if n == 7 {
				panic("seventh")
			}
			return channelq.RetryAfter(fmt.Errorf("attempt %d", n), time.Minute)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 7}})
		enqueue(t, q, 1)
		time.Sleep(2 * time.Second)
		if r := w.Retrying()[0]; len(r.Failed) != 1 || r.Failed[0].Took != time.Second || r.Failed[0].Err.Error() != "attempt 1" || !r.EnqueuedAt.Equal(began) {
			t.Errorf("after one attempt: %+v", r)
		}
		time.Sleep(time.Hour)
		f := w.Failures()[0]
		if len(f.Failed) != 5 || !f.EnqueuedAt.Equal(began) {
			t.Fatalf("%d attempts are kept, enqueued %v", len(f.Failed), f.EnqueuedAt)
		}
		for i, a := range f.Failed {
			if want := i + 3; a.Attempt != want || a.Took != time.Duration(want)*time.Second {
				t.Errorf("place %d: %+v", i, a)
			}
		}
		last := f.Failed[4]
		if caught, ok := errors.AsType[*lifecycle.PanicError](last.Err); !ok || len(caught.Stack) == 0 || !last.At.Equal(f.At) {
			t.Errorf("the last is %+v, failed at %v", last, f.At)
		}
	})
}

func TestAnItemThatWaitsIsRetriedNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Name: "q", Capacity: 10})
		handled := ""
		first := map[string]bool{}
		w := startWorkers(t, q, func(_ context.Context, item string) error {
			if !first[item] {
				first[item] = true
				return channelq.RetryAfter(errors.New("later"), time.Hour)
			}
			handled += item
			return nil
		}, channelq.WorkerConfig[string]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		for _, item := range []string{"a", "b", "c"} {
			enqueue(t, q, item)
		}
		synctest.Wait()
		id := int64(0)
		for _, r := range w.Retrying() {
			if r.Item == "b" {
				id = r.ID
			}
		}
		if err := w.RetryNow(id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if handled != "b" || len(w.Retrying()) != 2 {
			t.Errorf("handled %q, %d wait", handled, len(w.Retrying()))
		}
		if w.RetryNow(id) == nil || w.GiveUp(id) == nil || w.RetryNow(0) == nil {
			t.Error("what does not wait can be retried now, or given up")
		}
	})
}

// An item that is given up on request counts, is told of and frees its key as one that
// has failed for the last time, also while the workers are paused.
func TestAnItemThatWaitsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		q := newQueue(t, channelq.Config[string]{Name: "q", Capacity: 10})
		w := startWorkers(t, q, func(_ context.Context, item string) error {
			if item == "a" {
				return channelq.RetryAfter(errors.New("later"), time.Hour)
			}
			return nil
		}, channelq.WorkerConfig[string]{
			Concurrency: 1, Retry: channelq.Retry{Attempts: 2}, Key: func(string) string { return "one" },
			OnGiveUp: func(_ context.Context, item string, err error) { told = append(told, "gave up "+item) },
			OnSettled: func(item string, o channelq.Outcome, err error) {
				gave, ok := errors.AsType[*channelq.GiveUpError](err)
				told = append(told, fmt.Sprint("settled ", item, " ", o, " ", ok && gave.Attempts == 1))
			},
		})
		enqueue(t, q, "a")
		enqueue(t, q, "behind a")
		synctest.Wait()
		w.Pause()
		if err := w.GiveUp(w.Retrying()[0].ID); err != nil {
			t.Fatal(err)
		}
		f := w.Failures()
		if len(f) != 1 || f[0].Item != "a" || f[0].Attempts != 1 || f[0].Err.Error() != "later" || len(f[0].Failed) != 1 {
			t.Errorf("failures: %+v", f)
		}
		w.Resume()
		synctest.Wait()
		want := fmt.Sprint([]string{"gave up a", "settled a gave_up true", "settled behind a handled false"})
		if s := q.Stats(); s.GaveUp != 1 || s.Handled != 1 || s.Parked != 0 || fmt.Sprint(told) != want {
			t.Errorf("%+v, told %q", s, told)
		}
		if err := w.Requeue(f[0].ID); err != nil {
			t.Error(err)
		}
		_ = w.Stop(context.Background())
	})
}

// The drain of a stop waits for no item that somebody gives up meanwhile.
func TestADrainEndsWhenItsLastItemIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "q", Capacity: 10})
		w := startWorkers(t, q, func(context.Context, int) error {
			return channelq.RetryAfter(errors.New("later"), time.Hour)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		enqueue(t, q, 1)
		synctest.Wait()
		stopped := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Hour)
			defer cancel()
			stopped <- w.Stop(ctx)
		}()
		synctest.Wait()
		began := time.Now()
		if err := w.GiveUp(w.Retrying()[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := <-stopped; err != nil || time.Since(began) > time.Second || w.Leftover() != 0 {
			t.Errorf("after %v: %v, %d left over", time.Since(began), err, w.Leftover())
		}
	})
}

func TestABatchThatFailsHasTheAttemptsOfEachItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "q", Capacity: 10})
		b, err := channelq.NewBatcher(q, func(_ context.Context, items []int) error {
			time.Sleep(time.Second)
			return &channelq.BatchError{Failed: map[int]error{0: channelq.RetryAfter(errors.New("first"), time.Hour)}}
		}, channelq.BatchConfig[int]{MaxItems: 2, MaxWait: time.Second, Retry: channelq.Retry{Attempts: 2}})
		if err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, 1)
		enqueue(t, q, 2)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		r := b.Retrying()
		if len(r) != 1 || len(r[0].Failed) != 1 || r[0].Failed[0].Took != time.Second {
			t.Fatalf("retrying: %+v", r)
		}
		if err := b.GiveUp(r[0].ID); err != nil || len(b.Failures()) != 1 {
			t.Errorf("%v, %d failures", err, len(b.Failures()))
		}
		_ = b.Stop(t.Context())
	})
}
