package durable_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// places is a limit.
type places chan struct{}

func (p places) Acquire(ctx context.Context, n int64) error {
	for range n {
		select {
		case p <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p places) Release(n int64) {
	for range n {
		<-p
	}
}

func limitedJobs[TTx any](t *testing.T, e env[TTx], limit places) *durable.Jobs[TTx] {
	t.Helper()
	cfg := quick(durable.EnqueueAndWork)
	cfg.Limit = limit
	jobs, err := durable.New(e.store, cfg)
	must(t, err)
	return jobs
}

// However an attempt ends, it releases what it had.
func limitOfAProcess[TTx any](t *testing.T, e env[TTx]) {
	limit := make(places, 2)
	jobs := limitedJobs(t, e, limit)
	var running, most atomic.Int64
	handle := func(_ context.Context, i int) error {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		switch i {
		case 1:
			return channelq.Permanent(errors.New("no"))
		case 2:
			panic("no")
		}
		return nil
	}
	cfg := durable.QueueConfig[int]{Concurrency: 4, Retry: channelq.Retry{Attempts: 1}}
	first, second := newQueue(t, jobs, "first", handle, cfg), newQueue(t, jobs, "second", handle, cfg)
	for i := range 6 {
		enqueue(t, first, i)
		enqueue(t, second, i)
	}
	start(t, jobs)
	until(t, "all are done", func() bool {
		a, b := first.Stats(), second.Stats()
		return a.Handled+b.Handled == 8 && a.GaveUp+b.GaveUp == 4
	})
	until(t, "all places are free", func() bool { return len(limit) == 0 })
	if n := most.Load(); n > 2 {
		t.Errorf("%d handlers ran at once", n)
	}
}

// waitingForALimit makes two jobs that are taken and wait.
func waitingForALimit[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) (q *durable.Queue[int], ids []int64) {
	t.Helper()
	q = newQueue(t, jobs, "limited", nothing[int], durable.QueueConfig[int]{Concurrency: 2, Timeout: 50 * time.Millisecond})
	ids = []int64{enqueue(t, q, 1), enqueue(t, q, 2)}
	start(t, jobs)
	for _, id := range ids {
		inState(t, jobs, id, rivertype.JobStateRunning)
	}
	return q, ids
}

func limitStop[TTx any](t *testing.T, e env[TTx]) {
	limit := make(places, 1)
	must(t, limit.Acquire(t.Context(), 1))
	jobs := limitedJobs(t, e, limit)
	q, ids := waitingForALimit(t, jobs)
	if s := q.Stats(); s.InProgress != 0 || jobs.Backlog() != 0 {
		t.Errorf("%d count as in progress, a stop waits for %d", s.InProgress, jobs.Backlog())
	}
	stop(t, jobs)
	for _, id := range ids {
		row, err := durable.Get(context.Background(), jobs, id)
		must(t, err)
		if row.State != rivertype.JobStateAvailable || row.Attempt != 0 || len(row.Errors) > 0 {
			t.Errorf("job %d is %s with %d attempts, %v", id, row.State, row.Attempt, row.Errors)
		}
	}
}

func limitCancel[TTx any](t *testing.T, e env[TTx]) {
	limit := make(places, 1)
	must(t, limit.Acquire(t.Context(), 1))
	jobs := limitedJobs(t, e, limit)
	q, ids := waitingForALimit(t, jobs)
	must(t, q.Cancel(ids[0]))
	inState(t, jobs, ids[0], rivertype.JobStateCancelled)
	limit.Release(1)
	if row := inState(t, jobs, ids[1], rivertype.JobStateCompleted); row.Attempt != 1 {
		t.Errorf("job %d needed %d attempts", row.ID, row.Attempt)
	}
	until(t, "the place is free", func() bool { return len(limit) == 0 })
}

// A job that is held for long would count as lost with its process.
func TestAJobWaitsForTheLimitForHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, began := make(places, 1), time.Now()
		got, release := durable.Acquire(t.Context(), limit)
		if !got {
			t.Fatal("the first has no reason to wait")
		}
		if got, _ := durable.Acquire(t.Context(), limit); got || time.Since(began) != durable.PaceHold {
			t.Errorf("the second has it: %v, after %v", got, time.Since(began))
		}
		release()
		release()
		if got, _ := durable.Acquire(t.Context(), limit); !got || len(limit) != 1 {
			t.Errorf("the third has it: %v", got)
		}
	})
}

type brokenLimit struct{ places }

func (brokenLimit) Acquire(context.Context, int64) error { panic("no") }

// The store would be asked for the job again and again.
func TestALimitThatFailsIsWaitedForAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, release := durable.Acquire(t.Context(), brokenLimit{})
		release()
		if got || time.Since(began) != durable.PaceHold {
			t.Errorf("%v after %v", got, time.Since(began))
		}
	})
}
