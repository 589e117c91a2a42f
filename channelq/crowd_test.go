package channelq_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

// crowd is how many items are parked or wait in these tests.
func crowd() int {
	if testing.Short() {
		return 100_000
	}
	return 1_000_000
}

// parkACrowd returns workers that have parked a crowd of items, all due at once
// after d.
func parkACrowd(t *testing.T, d time.Duration, cfg channelq.WorkerConfig[int]) *channelq.Workers[int] {
	t.Helper()
	n := crowd()
	q := newQueue(t, channelq.Config[int]{Capacity: n})
	due := time.Now().Add(d)
	cfg.Retry.Attempts = 2
	w := newWorkers(t, q, func(context.Context, int) error {
		return channelq.RetryAfter(io.EOF, time.Until(due))
	}, cfg)
	for i := range n {
		enqueue(t, q, i)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for w.Stats().Parked < n {
		time.Sleep(10 * time.Millisecond)
	}
	return w
}

func TestACrowdOfParkedItemsIsHandedOverInTime(t *testing.T) {
	handed, ended := 0, error(nil)
	w := parkACrowd(t, time.Hour, channelq.WorkerConfig[int]{
		OnLeftover: func(ctx context.Context, items []int) error {
			handed, ended = len(items), ctx.Err()
			return nil
		},
	})
	start := time.Now()
	if err := w.Stop(within(t, time.Second)); err != nil {
		t.Error(err)
	}
	t.Logf("the stop took %v", time.Since(start))
	if handed != crowd() || ended != nil {
		t.Errorf("OnLeftover got %d items, and a context with %v", handed, ended)
	}
	checkBooks(t, w.Stats())
}
