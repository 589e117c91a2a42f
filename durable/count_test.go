package durable_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// fill inserts completed rows of two queues in turn, nine of ten of the first.
func fill[TTx any](t *testing.T, e env[TTx], n int) {
	t.Helper()
	numbers := fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n", n)
	must(t, e.exec(t.Context(), `INSERT INTO river_job (args, kind, queue, state, max_attempts, attempt, scheduled_at, attempted_at, finalized_at)
		SELECT '{}', kind, kind, 'completed', 1, 1, at, at, at
		FROM (SELECT CASE i % 10 WHEN 0 THEN 'rare' ELSE 'usual' END AS kind, CURRENT_TIMESTAMP AS at FROM `+numbers+`) AS rows`))
}

// Of millions of completed jobs not each can be looked at whenever a page is.
func estimated[TTx any](t *testing.T, e env[TTx]) {
	const n = 12_000
	fill(t, e, n)
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	usual := newQueue[int](t, jobs, "usual", nil, durable.QueueConfig[int]{})
	rare := newQueue[int](t, jobs, "rare", nil, durable.QueueConfig[int]{})
	for range 3 {
		enqueue(t, rare, 1)
	}
	enqueue(t, usual, 1, durable.In(time.Hour))
	begun := time.Now()
	until(t, "the store is counted", func() bool { at, _ := rare.Counted(); return !at.IsZero() })
	if got := rare.States(); got["completed"] != n/10 || got["available"] != 3 || len(got) != len(rivertype.JobStates()) {
		t.Errorf("few are not counted exactly: %v", got)
	}
	got := usual.States()
	if math.Abs(float64(got["completed"]-n*9/10)) > n/20 || got["scheduled"] != 1 {
		t.Errorf("%v, but there are %d", got, n*9/10)
	}
	if at, guessed := usual.Counted(); at.Before(begun) || !slices.Equal(guessed, []string{"completed"}) {
		t.Errorf("counted at %v, estimates %v", at, guessed)
	}
	if _, guessed := rare.Counted(); len(guessed) != 0 {
		t.Errorf("estimates %v of what was counted", guessed)
	}
}

// countless is a store whose counts may fail.
type countless[TTx any] struct {
	store.Backend[TTx]
	fails atomic.Bool
}

func (c *countless[TTx]) Counts(ctx context.Context) ([]store.Count, error) {
	if c.fails.Load() {
		return nil, errors.New("too slow")
	}
	return c.Backend.Counts(ctx)
}

func agedCounts[TTx any](t *testing.T, e env[TTx]) {
	counts := &countless[TTx]{Backend: store.Of(e.store)}
	counts.fails.Store(true)
	jobs := newJobs(t, fake[TTx](counts), durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "mails", nil, durable.QueueConfig[int]{})
	enqueue(t, q, 1)
	if at, _ := q.Counted(); !at.IsZero() {
		t.Errorf("a process that never counted did at %v", at)
	}
	counts.fails.Store(false)
	until(t, "counted", func() bool { at, _ := q.Counted(); return !at.IsZero() && q.Stats().Depth == 1 })
	counts.fails.Store(true)
	before, _ := q.Counted()
	until(t, "a second is over", func() bool { return time.Since(before) > 1100*time.Millisecond })
	if at, _ := q.Counted(); !at.Equal(before) || q.Stats().Depth != 1 {
		t.Errorf("counted at %v and not %v, depth %d", at, before, q.Stats().Depth)
	}
}
