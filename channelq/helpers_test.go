package channelq_test

import (
	"context"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

func newQueue[T any](t testing.TB, cfg channelq.Config[T]) *channelq.Queue[T] {
	t.Helper()
	q, err := channelq.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func newWorkers[T any](t testing.TB, q *channelq.Queue[T], handle func(context.Context, T) error, cfg channelq.WorkerConfig[T]) *channelq.Workers[T] {
	t.Helper()
	w, err := channelq.NewWorkers(q, handle, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// startWorkers also stops them at the end of the test, unless it did so itself.
func startWorkers[T any](t testing.TB, q *channelq.Queue[T], handle func(context.Context, T) error, cfg channelq.WorkerConfig[T]) *channelq.Workers[T] {
	t.Helper()
	w := newWorkers(t, q, handle, cfg)
	if err := w.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Stop(context.Background()) })
	return w
}

func enqueue[T any](t testing.TB, q *channelq.Queue[T], items ...T) {
	t.Helper()
	for _, item := range items {
		if err := q.Enqueue(context.Background(), item); err != nil {
			t.Fatal(err)
		}
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// checkBooks holds the accounts against their identity; nothing may be in
// motion.
func checkBooks(t testing.TB, s channelq.Stats) {
	t.Helper()
	sum := s.TakenByHand + s.Handled + s.GaveUp + s.Skipped + s.Coalesced + s.Dropped.Total() + s.Leftover +
		uint64(s.Depth+s.InProgress+s.Parked)
	if s.Accepted != sum {
		t.Errorf("the books do not add up: accepted %d, found %d: %+v", s.Accepted, sum, s)
	}
}
