package channelq_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

const crowd = 100_000 // items that are parked or wait in most of these tests

// parked returns workers that have parked n items until the next hour.
func parked(t *testing.T, n int, cfg channelq.WorkerConfig[int]) *channelq.Workers[int] {
	t.Helper()
	q := newQueue(t, channelq.Config[int]{Capacity: n})
	cfg.Retry.Attempts = 2
	w := newWorkers(t, q, func(context.Context, int) error { return channelq.RetryAfter(io.EOF, time.Hour) }, cfg)
	for i := range n {
		enqueue(t, q, i)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for w.Stats().Parked < n {
		time.Sleep(time.Millisecond)
	}
	return w
}

// stopCrowd stops workers within the time that a crowd has, a microsecond for each
// item, and a second at least, and checks that OnLeftover has got all. Of a tenth of a
// second OnLeftover has so little that a busy machine takes longer to begin with it.
func stopCrowd(t *testing.T, w *channelq.Workers[int], n int, handed *int) {
	t.Helper()
	start := time.Now()
	err := w.Stop(within(t, max(time.Duration(n)*time.Microsecond, time.Second)))
	t.Logf("the stop took %v", time.Since(start))
	if err != nil || *handed != n {
		t.Errorf("Stop = %v, OnLeftover got %d items", err, *handed)
	}
	checkBooks(t, w.Stats())
}

// handTo is an OnLeftover that needs a context that is alive.
func handTo(n *int) func(context.Context, []int) error {
	return func(ctx context.Context, items []int) error {
		*n = len(items)
		return ctx.Err()
	}
}

func TestACrowdOfParkedItemsIsHandedOverInTime(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceDetector {
		n = crowd
	}
	handed := 0
	w := parked(t, n, channelq.WorkerConfig[int]{OnLeftover: handTo(&handed)})
	stopCrowd(t, w, n, &handed)
}

func TestACrowdThatWaitsForOneKeyIsHandedOverInTime(t *testing.T) {
	handed := 0
	q := newQueue(t, channelq.Config[int]{Capacity: crowd})
	for i := range crowd {
		enqueue(t, q, i)
	}
	w := newWorkers(t, q, untilCancelled, channelq.WorkerConfig[int]{
		Concurrency: 2, Key: func(int) string { return "the same" }, OnLeftover: handTo(&handed),
	})
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for w.Stats().Depth > 0 {
		time.Sleep(time.Millisecond)
	}
	stopCrowd(t, w, crowd, &handed)
}

// quickest is the least of several times, so that what else runs on the machine does
// not count.
func quickest(do func()) time.Duration {
	least := time.Hour
	for range 50 {
		start := time.Now()
		do()
		least = min(least, time.Since(start))
	}
	return max(least, 100*time.Nanosecond)
}

func TestASnapshotCostsTheSameWithACrowd(t *testing.T) {
	handed := 0
	costs := func(n int) (w *channelq.Workers[int], all []time.Duration) {
		w = parked(t, n, channelq.WorkerConfig[int]{OnLeftover: handTo(&handed)})
		w.Pause()
		w.ReleaseAll()
		return w, []time.Duration{
			quickest(func() { _ = w.Stats() }),
			quickest(func() { _ = w.Counts() }),
			quickest(func() { _ = w.Backlog() + w.Leftover() + w.Stuck() }),
			quickest(func() { _, _ = w.Failures(), w.Retrying() }),
		}
	}
	few, fewCost := costs(100)
	if err := few.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	many, manyCost := costs(crowd)
	t.Logf("with 100 items %v, with %d %v", fewCost, crowd, manyCost)
	for i, cost := range manyCost {
		if cost > 100*fewCost[i] {
			t.Errorf("%d: %v with 100 items, and %v with a crowd", i, fewCost[i], cost)
		}
	}
	stopCrowd(t, many, crowd, &handed) // all of it is due
}
