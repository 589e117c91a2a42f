package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

func TestAContextOfNoJobHasNoAttempt(t *testing.T) {
	if id, attempt, ok := durable.Attempt(t.Context()); id != 0 || attempt != 0 || ok {
		t.Errorf("%d, %d, %v", id, attempt, ok)
	}
}

// Who makes an idempotency key of the id relies on it being the same every time.
func knowsItsAttempt[TTx any](t *testing.T, e env[TTx]) {
	type told struct {
		id      int64
		attempt int
	}
	var all []told
	note := func(ctx context.Context) {
		id, attempt, ok := durable.Attempt(ctx)
		if !ok {
			t.Error("not told")
		}
		all = append(all, told{id, attempt})
	}
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "mail", func(ctx context.Context, _ int) error {
		note(ctx)
		return errors.New("no")
	}, durable.QueueConfig[int]{
		Concurrency: 1,
		Retry:       channelq.Retry{Attempts: 2, Initial: time.Millisecond},
		OnGiveUp:    func(ctx context.Context, _ int, _ error) { note(ctx) },
	})
	id := enqueue(t, q, 7)
	start(t, jobs)
	inState(t, jobs, id, rivertype.JobStateDiscarded)
	if len(all) != 3 || all[0] != (told{id, 1}) || all[1] != (told{id, 2}) || all[2] != (told{id, 2}) {
		t.Errorf("job %d was told %v", id, all)
	}
}
