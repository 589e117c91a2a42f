package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// A transaction that a handler leaves open holds its job's row, on SQLite the whole
// store: what the engine writes of other jobs must not wait for that.
func transactionLeftOpen[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	bad := errors.New("bad")
	q := newQueue(t, jobs, "leaves", func(ctx context.Context, how string) error {
		tx, err := e.begin(context.WithoutCancel(ctx)) // which would end it
		if err != nil {
			return err
		}
		if err := durable.CompleteTx(ctx, tx); err != nil {
			return err
		}
		switch how {
		case "fails":
			return bad
		case "panics":
			panic("bad")
		}
		return nil
	}, durable.QueueConfig[string]{Concurrency: 1, Retry: channelq.Retry{Attempts: 1}})
	good := newQueue(t, jobs, "good", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	for how, want := range map[string]string{"forgets": "did not commit", "fails": "bad", "panics": "bad"} {
		began := time.Now()
		id := enqueue(t, q, how)
		row := inState(t, jobs, id, rivertype.JobStateDiscarded)
		if len(row.Errors) != 1 || !strings.Contains(row.Errors[0].Error, want) {
			t.Errorf("%s: %+v", how, row.Errors)
		}
		inState(t, jobs, enqueue(t, good, 1), rivertype.JobStateCompleted)
		t.Logf("%s: over after %v", how, time.Since(began))
	}
}

// The name of what the engine writes of a wish is no wish where it is a value.
func namedLikeAWish[TTx any](t *testing.T, e env[TTx]) {
	const name = "cancel_attempted_at"
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "named", func(ctx context.Context, _ int) error {
		if _, attempt, _ := durable.Attempt(ctx); attempt == 1 {
			return errors.Join(river.RecordOutput(ctx, name), errors.New("again"))
		}
		return nil
	}, durable.QueueConfig[int]{Retry: channelq.Retry{Initial: time.Millisecond}})
	must(t, durable.Every(q, name, hours(1), func() int { return 1 }))
	start(t, jobs)
	must(t, jobs.ScheduleList()[0].(interface{ Trigger() error }).Trigger())
	until(t, "it is over", func() bool { s := q.States(); return s["completed"]+s["cancelled"] == 1 })
	if s := q.States(); s["completed"] != 1 {
		t.Errorf("%v", s)
	}
}
