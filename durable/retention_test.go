package durable_test

import (
	"context"
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
	gone := newQueue[int](t, jobs, "usual", nil, durable.QueueConfig[int]{KeepCompleted: usual})
	left := newQueue(t, jobs, "rare", nothing[int], durable.QueueConfig[int]{KeepCompleted: rare})
	start(t, jobs)
	until(t, "the old ones are deleted", func() bool {
		rows, err := durable.List(context.Background(), gone, 1, rivertype.JobStateCompleted)
		must(t, err)
		return len(rows) == 0
	})
	stop(t, jobs, 20*time.Second) // and with it the housekeeping that began
	if rows, err := durable.List(context.Background(), left, 100, rivertype.JobStateCompleted); err != nil || len(rows) != 5 {
		t.Errorf("%d of the others are left, %v", len(rows), err)
	}
}
