package durable_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

func detailed[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	type order struct{ ID int }
	q := newQueue(t, jobs, "orders", func(_ context.Context, o order) error {
		time.Sleep(2 * time.Millisecond) // SQLite keeps no less
		if o.ID == 7 {
			panic("<b>no paper</b>")
		}
		return nil
	}, durable.QueueConfig[order]{Key: func(order) string { return "ann" }, Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond}})
	other := newQueue[order](t, jobs, "other", nil, durable.QueueConfig[order]{})
	start(t, jobs)
	get := func(id int64) durable.Job {
		t.Helper()
		job, err := q.Job(t.Context(), id)
		must(t, err)
		return job
	}
	id := enqueue(t, q, order{7}, durable.Unique("once"), durable.Meta(map[string]string{"by": "bob"}))
	inState(t, jobs, id, rivertype.JobStateDiscarded)
	job := get(id)
	if string(job.JSON) != `{"ID":7}` && string(job.JSON) != `{"ID": 7}` || job.Item != (order{7}) || job.Key != "ann" || len(job.UniqueHash) != 64 || job.Meta["by"] != "bob" ||
		job.CanCancel || !job.CanRequeue || !job.CanDiscard || job.CanReschedule || len(job.Failures) != 2 {
		t.Errorf("%+v", job)
	}
	for i, f := range job.Failures { // when the first one began is not kept
		if f.Attempt != i+1 || !strings.Contains(f.Err, "<b>no paper</b>") || !strings.Contains(f.Stack, "detail_test.go") || f.Process == "" || (f.Took > 0) != (i == 1) || f.Took > time.Minute {
			t.Errorf("%+v", f)
		}
	}
	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET attempted_by=%s, attempted_at='%s' WHERE id=%d", e.by, utc(time.Hour), id)))
	if job = get(id); job.Failures[1].Took != 0 || job.Failures[0].Process != "" || job.Failures[1].Process != "" {
		t.Errorf("what is not known is said: %+v", job.Failures)
	}

	first := enqueue(t, q, order{1}, durable.In(time.Hour))
	then := enqueue(t, q, order{2}, durable.After(first))
	if job = get(then); !job.DueAt.IsZero() || !job.CanCancel || !job.CanRequeue || job.CanDiscard || job.CanReschedule || job.UniqueHash != "" || len(job.Failures) != 0 {
		t.Errorf("a job that follows another: %+v", job)
	}
	if job = get(first); time.Until(job.DueAt) < 50*time.Minute || !job.CanReschedule || job.Process != "" || !job.StartedAt.IsZero() || !job.EndedAt.IsZero() {
		t.Errorf("a job that waits: %+v", job)
	}
	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state='running', attempt=1, attempted_by=%s, attempted_at='%s' WHERE id=%d", e.by, utc(-time.Second), first)))
	if job = get(first); time.Until(job.RescueAt) < 10*time.Second || job.Process != "the dead" || job.CanReschedule {
		t.Errorf("a job of a process that is gone: %+v", job)
	}

	for what, id := range map[string]int64{"another queue's": enqueue(t, other, order{1}), "none": 1 << 40} {
		if _, err := q.Job(t.Context(), id); !errors.Is(err, durable.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Job(ctx, id); err == nil || errors.Is(err, durable.ErrNotFound) {
		t.Errorf("a store that does not answer: %v", err)
	}
}
