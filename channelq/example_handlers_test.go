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

// window lets n calls go in each stretch of time. A rate of n in that time with a burst
// of n lets twice as many go around the end of a stretch.
type window struct {
	n    int
	long time.Duration

	mu    sync.Mutex
	since time.Time
	used  int
}

func (w *window) Wait(ctx context.Context) error {
	for {
		w.mu.Lock()
		if now := time.Now(); now.Sub(w.since) >= w.long {
			w.since, w.used = now, 0
		}
		if w.used < w.n {
			w.used++
			w.mu.Unlock()
			return nil
		}
		rest := time.Until(w.since.Add(w.long))
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rest):
		}
	}
}

// At most 300 mails in 10 seconds.
func ExampleWorkerConfig_limiter() {
	q, err := channelq.New(channelq.Config[int]{Capacity: 10})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
		Limiter: &window{n: 300, long: 10 * time.Second},
	})
	must(err)
	ctx := context.Background()
	must(q.Enqueue(ctx, 1))
	must(w.Start(ctx))
	must(w.Stop(ctx))
	fmt.Println(w.Stats().Handled)
	// Output: 1
}
