package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

func dueByQueue[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	one := newQueue[int](t, jobs, "one", nil, durable.QueueConfig[int]{})
	two := newQueue[int](t, jobs, "two", nil, durable.QueueConfig[int]{})
	due := func() map[string]time.Duration {
		t.Helper()
		list, now, err := store.Of(e.store).Due(t.Context(), []string{"one", "two", "none"})
		must(t, err)
		if d := time.Since(now).Abs(); d > time.Minute {
			t.Errorf("the store's clock is %v off", d)
		}
		found := map[string]time.Duration{}
		for _, d := range list {
			found[d.Queue] = d.In
		}
		return found
	}
	if found := due(); len(found) != 0 {
		t.Errorf("without jobs: %v", found)
	}
	if list, now, err := store.Of(e.store).Due(t.Context(), nil); len(list) != 0 || now.IsZero() || err != nil {
		t.Errorf("without queues: %v at %v, %v", list, now, err)
	}
	enqueue(t, one, 1, durable.In(4*time.Second), durable.Priority(1))
	enqueue(t, one, 1, durable.In(2*time.Second), durable.Priority(4))
	enqueue(t, two, 1, durable.In(time.Hour)) // not available yet
	if found := due(); len(found) != 1 || found["one"] > 2*time.Second+time.Millisecond {
		t.Errorf("one in two seconds: %v", found)
	}
	enqueue(t, two, 1)
	if found := due(); len(found) != 2 || found["two"] > 0 {
		t.Errorf("and one at once: %v", found)
	}
}

// dueBetweenPolls is with a poll that never comes.
func dueBetweenPolls[TTx any](t *testing.T, e env[TTx]) {
	cfg := quick(durable.EnqueueAndWork)
	cfg.PollInterval = 10 * time.Minute
	worker, err := durable.New(e.again(t), cfg)
	must(t, err)
	begun := make(chan int, 9)
	newQueue(t, worker, "due", func(ctx context.Context, i int) error {
		_, attempt, _ := durable.Attempt(ctx)
		if attempt == 1 && i == 2 {
			return channelq.RetryAfter(errors.New("not yet"), 50*time.Millisecond)
		}
		begun <- i
		return nil
	}, durable.QueueConfig[int]{})
	start(t, worker)
	web := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, web, "due", nil, durable.QueueConfig[int]{})
	enqueue(t, q, 1, durable.In(50*time.Millisecond))
	receive(t, begun)
	enqueue(t, q, 2)
	receive(t, begun)
	for i := range 3 { // after the first of them all are looked for
		enqueue(t, q, 3, durable.In(time.Duration(50+100*i)*time.Millisecond))
	}
	for range 3 {
		receive(t, begun)
	}
	tx, err := e.begin(t.Context())
	must(t, err)
	_, err = durable.EnqueueTx(t.Context(), tx, q, 4, durable.In(100*time.Millisecond))
	must(t, err)
	must(t, e.end(t.Context(), tx, true))
	receive(t, begun)
	// One that was rescued.
	id := enqueue(t, q, 5, durable.In(time.Hour))
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=1, attempted_by="+e.by+", attempted_at='2020-01-01 00:00:00' WHERE state = 'scheduled'"))
	must(t, durable.Rescue(t.Context(), worker))
	must(t, durable.Rescue(t.Context(), worker))
	receive(t, begun)
	inState(t, worker, id, rivertype.JobStateCompleted)
}
