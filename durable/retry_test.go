package durable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
)

// Whoever sees an attempt that waits has it now, or no more.
func retriedByHand[TTx any](t *testing.T, e env[TTx]) {
	q := newQueue[int](t, newJobs(t, e.store, durable.EnqueueOnly), "by-hand", nil, durable.QueueConfig[int]{})
	waiting := func() int64 {
		id := enqueue(t, q, 1, durable.In(time.Hour))
		must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state='retryable', attempt=1 WHERE id=%d", id)))
		return id
	}
	now, never := waiting(), waiting()
	if at := q.Listed(); !at.IsZero() {
		t.Errorf("listed at %v, before anybody asked", at)
	}
	q.Failures()
	if at := q.Listed(); !at.IsZero() {
		t.Errorf("listed at %v, with nothing known of what retries", at)
	}
	until(t, "the store answers in time", func() bool { return len(q.Retrying()) == 2 && !q.Listed().IsZero() })
	if r := q.Retrying(); r[0].ID != now || r[1].ID != never || r[0].Attempts != 1 {
		t.Errorf("retrying %+v, want %d and %d", r, now, never)
	}
	must(t, q.RetryNow(now))
	must(t, q.GiveUp(never))
	for what, err := range map[string]error{
		"retry once more": q.RetryNow(now), "give up what is available": q.GiveUp(now),
		"retry what was given up": q.RetryNow(never), "give up twice": q.GiveUp(never),
	} {
		if err == nil || !strings.Contains(err.Error(), "now") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := errors.Join(q.RetryNow(1<<40), q.GiveUp(1<<40)); !errors.Is(err, durable.ErrNotFound) {
		t.Error(err)
	}
	if list := q.Jobs("available"); len(list) != 1 || list[0].ID != now {
		t.Errorf("available %+v", list)
	}
	until(t, "what was given up is listed", func() bool { f := q.Failures(); return len(f) == 1 && f[0].ID == never })
	must(t, q.Requeue(never))
}
