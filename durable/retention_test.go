package durable_test

import (
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
)

const century = 100 * 365 * 24 * time.Hour

func keptShorter[TTx any](t *testing.T, e env[TTx]) { keptFor(t, e, century, time.Hour, 0) }
func keptLonger[TTx any](t *testing.T, e env[TTx])  { keptFor(t, e, 0, 0, century) }

// keptFor expects that of what has ended in 2020 one queue has nothing left, and the other
// all.
func keptFor[TTx any](t *testing.T, e env[TTx], all, usual, rare time.Duration) {
	t.Helper()
	fill(t, e, 50)
	must(t, e.exec(t.Context(), "UPDATE river_job SET finalized_at = '2020-01-01 00:00:00'"))
	cfg := quick(durable.EnqueueAndWork)
	cfg.KeepCompleted = all
	jobs, err := durable.New(e.store, cfg)
	must(t, err)
	gone := newQueue(t, jobs, "usual", nothing[int], durable.QueueConfig[int]{KeepCompleted: usual})
	left := newQueue(t, jobs, "rare", nothing[int], durable.QueueConfig[int]{KeepCompleted: rare})
	for _, want := range []int{10, 35, 0} { // of 45
		if n, err := durable.Clean(t.Context(), jobs, max(want, 1)); err != nil || n != want {
			t.Errorf("%d were deleted, want %d: %v", n, want, err)
		}
	}
	rows, err := durable.List(t.Context(), gone, 100, rivertype.JobStateCompleted)
	must(t, err)
	kept, err := durable.List(t.Context(), left, 100, rivertype.JobStateCompleted)
	must(t, err)
	if len(rows) != 0 || len(kept) != 5 {
		t.Errorf("%d of the one and %d of the other are left", len(rows), len(kept))
	}
}
