package durable_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
)

// Two processes with a page each, and a person at either.
func twoAtOnce[TTx any](t *testing.T, e env[TTx]) {
	a := newQueue[int](t, newJobs(t, e.store, durable.EnqueueOnly), "pressed", nil, durable.QueueConfig[int]{})
	b := newQueue[int](t, newJobs(t, e.again(t), durable.EnqueueOnly), "pressed", nil, durable.QueueConfig[int]{})
	const completed = "state='completed', attempt=1, finalized_at='2026-01-01 00:00:00.000'"
	later := time.Now().Add(2 * time.Hour)
	for _, c := range []struct {
		what, is, refusal string // is: what the job becomes before
		press             func(q *durable.Queue[int], id int64, due time.Time) error
	}{
		{"requeue what is completed", completed, "it is available now", func(q *durable.Queue[int], id int64, _ time.Time) error { return q.Requeue(id) }},
		{"requeue what was seen", completed, "it is available now", func(q *durable.Queue[int], id int64, _ time.Time) error { return q.RequeueIf(id, 1) }},
		{"run now", "attempt=0", "it is available now", func(q *durable.Queue[int], id int64, _ time.Time) error { return q.RequeueIf(id, 0) }},
		{"cancel what waits", "attempt=0", "it is cancelled now", func(q *durable.Queue[int], id int64, _ time.Time) error { return q.Cancel(id) }},
		{"cancel what runs", "state='running', attempt=1, attempted_at='2026-01-01 00:00:00.000'", "it is running now and is being canceled already", func(q *durable.Queue[int], id int64, _ time.Time) error { return q.Cancel(id) }},
		{"discard", completed, "there is no such job", func(q *durable.Queue[int], id int64, _ time.Time) error { return q.Discard(id) }},
		{"reschedule", "attempt=0", "it is scheduled and due at " + later.UTC().Format(time.DateTime)[:16], func(q *durable.Queue[int], id int64, due time.Time) error { return q.RescheduleIf(id, due, later) }},
	} {
		for range 3 {
			id := enqueue(t, a, 1, durable.In(time.Hour))
			must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET %s WHERE id=%d", c.is, id)))
			seen, err := a.Job(t.Context(), id)
			must(t, err)
			var errs [2]error
			var both sync.WaitGroup
			for i, q := range []*durable.Queue[int]{a, b} {
				both.Go(func() { errs[i] = c.press(q, id, seen.DueAt) })
			}
			both.Wait()
			if errs[0] == nil {
				errs[0], errs[1] = errs[1], errs[0]
			}
			if errs[1] != nil || errs[0] == nil || !strings.Contains(errs[0].Error(), c.refusal) {
				t.Errorf("%s: one %v, the other %v", c.what, errs[1], errs[0])
			}
		}
	}

	id := enqueue(t, a, 1)
	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state='completed', attempt=2, finalized_at='2026-01-01 00:00:00.000' WHERE id=%d", id)))
	if err := b.RequeueIf(id, 1); err == nil || !strings.Contains(err.Error(), "it was requeued meanwhile, has had 2 attempts and is completed now") {
		t.Errorf("requeue of what has run again since it was seen: %v", err)
	}
	must(t, b.RequeueIf(id, 2))
}
