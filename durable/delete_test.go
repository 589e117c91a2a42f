package durable_test

import (
	"context"
	"testing"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

func deletedInPieces[TTx any](t *testing.T, e env[TTx]) {
	fill(t, e, 1200)
	must(t, e.exec(t.Context(), "UPDATE river_job SET finalized_at = '2020-01-01 00:00:00' WHERE queue = 'usual'"))
	by := newCallers()
	jobs := newJobs(t, fake[TTx](watched[TTx]{Backend: store.Of(e.store), by: by}), durable.EnqueueAndWork)
	usual := newQueue(t, jobs, "usual", nothing[int], durable.QueueConfig[int]{})
	rare := newQueue(t, jobs, "rare", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	until(t, "the old ones are deleted", func() bool {
		rows, err := durable.List(context.Background(), usual, 1, rivertype.JobStateCompleted)
		must(t, err)
		return len(rows) == 0
	})
	if rows, err := durable.List(t.Context(), rare, 1000, rivertype.JobStateCompleted); err != nil || len(rows) != 120 {
		t.Errorf("%d of the others are left, %v", len(rows), err)
	}
	by.mu.Lock()
	defer by.mu.Unlock()
	if by.past["JobDeleteBefore"] != 0 || by.through["JobDeleteBefore"] < 3 || by.piece > 500 {
		t.Errorf("%d calls by the hook, %d past it, with at most %d", by.through["JobDeleteBefore"], by.past["JobDeleteBefore"], by.piece)
	}
}
