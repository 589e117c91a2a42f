package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

func rescheduled[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var fixed atomic.Bool
	q := newQueue(t, jobs, "moved", func(context.Context, int) error {
		if !fixed.Load() {
			return channelq.RetryAfter(errors.New("busy"), time.Hour)
		}
		return nil
	}, durable.QueueConfig[int]{})
	idle := newQueue[int](t, jobs, "idle", nil, durable.QueueConfig[int]{})
	start(t, jobs)
	far := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	want := func(q *durable.Queue[int], id int64, state string, due time.Time) {
		t.Helper()
		job, err := q.Job(t.Context(), id)
		must(t, err)
		if job.State != state || !job.DueAt.Equal(due) {
			t.Errorf("%s and due at %v, want %s and %v", job.State, job.DueAt, state, due)
		}
	}
	waits := enqueue(t, idle, 1) // for a worker that nobody has
	must(t, idle.Reschedule(waits, far))
	want(idle, waits, "scheduled", far)
	must(t, idle.Reschedule(waits, far.AddDate(-9, 0, 0)))
	job, err := idle.Job(t.Context(), waits)
	must(t, err)
	if job.State != "available" || time.Since(job.DueAt) > time.Minute {
		t.Errorf("long ago: %s and due at %v", job.State, job.DueAt)
	}

	fails := enqueue(t, q, 1)
	inState(t, jobs, fails, rivertype.JobStateRetryable)
	must(t, q.Reschedule(fails, far))
	want(q, fails, "retryable", far)
	fixed.Store(true)
	scheduled := enqueue(t, q, 2, durable.In(time.Hour))
	for _, id := range []int64{fails, scheduled} {
		must(t, q.Reschedule(id, time.Now().Add(50*time.Millisecond)))
		inState(t, jobs, id, rivertype.JobStateCompleted)
	}

	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state='running', attempt=1, attempted_at='%s' WHERE id=%d", utc(0), waits)))
	for what, c := range map[string]struct {
		err  error
		text string
	}{
		"completed":     {q.Reschedule(scheduled, far), "it is completed now"},
		"running":       {idle.Reschedule(waits, far), "it is running now"},
		"another queue": {q.Reschedule(waits, far), "there is no such job"},
		"none":          {q.Reschedule(1<<40, far), "there is no such job"},
		"a year":        {q.Reschedule(fails, far.AddDate(9000, 0, 0)), "the year is not from 1 to 9998"},
		"the last day":  {q.Reschedule(fails, time.Date(9999, 12, 31, 1, 0, 0, 0, time.UTC)), "the year is not from 1 to 9998"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
}

func rescheduledKeys[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, end := make(chan int, 9), make(chan struct{})
	q := newQueue(t, jobs, "keyed", func(_ context.Context, n int) error {
		begun <- n
		<-end
		return nil
	}, durable.QueueConfig[int]{Key: func(int) string { return "k" }, Concurrency: 4})
	next := newQueue(t, jobs, "next", func(_ context.Context, n int) error { begun <- n; return nil }, durable.QueueConfig[int]{})
	start(t, jobs)
	far := time.Now().Add(time.Hour)
	enqueue(t, q, 1)
	if n := receive(t, begun); n != 1 {
		t.Fatalf("%d begins", n)
	}
	second := enqueue(t, q, 2, durable.Unique("u"))
	follower := enqueue(t, next, 4, durable.After(second))
	must(t, q.Reschedule(second, far))
	third := enqueue(t, q, 3)
	if again, err := q.EnqueueWith(t.Context(), 9, durable.Unique("u")); err != nil || !again.Duplicate {
		t.Errorf("its unique key is free: %+v, %v", again, err)
	}
	if err := next.Reschedule(follower, far); err == nil || !strings.Contains(err.Error(), "it waits for other jobs to end") {
		t.Errorf("a job that waits for another was given a time: %v", err)
	}
	close(end)
	if n := receive(t, begun); n != 3 { // it does not hold the key that it waits for
		t.Errorf("%d begins, want the third", n)
	}
	inState(t, jobs, third, rivertype.JobStateCompleted)
	must(t, q.Reschedule(second, time.Now()))
	if n := receive(t, begun); n != 2 {
		t.Errorf("%d begins, want the second", n)
	}
	if n := receive(t, begun); n != 4 {
		t.Errorf("%d begins, want what follows", n)
	}
}
