package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq"
)

// timed is a handler around a handler.
func timed(name string, report func(string, time.Duration), next func(context.Context, string) error) func(context.Context, string) error {
	return func(ctx context.Context, item string) error {
		defer func(start time.Time) { report(name, time.Since(start)) }(time.Now())
		return next(ctx, item)
	}
}

// A handler is a function: what is to happen around it is another one.
func Example_middleware() {
	q, err := channelq.New(channelq.Config[string]{Capacity: 10})
	must(err)
	handle := timed("mail", func(name string, took time.Duration) { fmt.Println(name, took >= 0) },
		func(context.Context, string) error { return nil })
	w, err := channelq.NewWorkers(q, handle, channelq.WorkerConfig[string]{})
	must(err)
	ctx := context.Background()
	must(q.Enqueue(ctx, "one"))
	must(w.Start(ctx))
	must(w.Stop(ctx))
	// Output: mail true
}

// Items that are given up go to a table of dead letters.
func Example_deadLetters() {
	q, err := channelq.New(channelq.Config[string]{Capacity: 10})
	must(err)
	insert := func(_ context.Context, item string, err error) { fmt.Println(item, err) }
	w, err := channelq.NewWorkers(q, func(context.Context, string) error { return errors.New("no such user") },
		channelq.WorkerConfig[string]{OnGiveUp: insert})
	must(err)
	ctx := context.Background()
	must(q.Enqueue(ctx, "one"))
	must(w.Start(ctx))
	must(w.Stop(ctx))
	// Output: one stead/channelq: handle "queue": gave up after attempt 1: no such user
}

// window lets at most n calls go in any stretch of time that is as long as long: the
// n-th call before this one is that long ago. A rate with a burst of n lets twice as many
// go in one such stretch, and so do fixed windows, around their border.
type window struct {
	long time.Duration

	mu    sync.Mutex
	calls []time.Time // when the last n went or will go; the oldest is at next
	next  int
}

func newWindow(n int, long time.Duration) *window {
	return &window{long: long, calls: make([]time.Time, n)}
}

func (w *window) Wait(ctx context.Context) error {
	w.mu.Lock()
	at := time.Now()
	if free := w.calls[w.next].Add(w.long); at.Before(free) {
		at = free
	}
	w.calls[w.next] = at
	w.next = (w.next + 1) % len(w.calls)
	w.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err() // its place is not used, which lets less through
	case <-time.After(time.Until(at)):
		return nil
	}
}

// At most 300 mails in 10 seconds.
func ExampleWorkerConfig_limiter() {
	q, err := channelq.New(channelq.Config[int]{Capacity: 10})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
		Limiter: newWindow(300, 10*time.Second),
	})
	must(err)
	ctx := context.Background()
	must(q.Enqueue(ctx, 1))
	must(w.Start(ctx))
	must(w.Stop(ctx))
	fmt.Println(w.Stats().Handled)
	// Output: 1
}
