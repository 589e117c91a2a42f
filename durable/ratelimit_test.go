package durable_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
)

func TestNoMoreAttemptsStartThanTheRateLimitAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, began := durable.Pace(10, 3), time.Now()
		var at []time.Duration
		for range 6 {
			if !wait(t.Context()) {
				t.Fatal("not begun")
			}
			at = append(at, time.Since(began))
		}
		for i, want := range []time.Duration{0, 0, 0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond} {
			if at[i].Round(time.Millisecond) != want {
				t.Errorf("attempt %d began after %v, want %v", i, at[i], want)
			}
		}
	})
}

// A job that is held for long would count as lost with its process.
func TestASlowRateLimitHoldsNoJobForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, began := durable.Pace(1.0/200, 1), time.Now()
		if !wait(t.Context()) {
			t.Fatal("the first has no reason to wait")
		}
		for {
			taken := time.Now()
			mine := wait(t.Context())
			if held := time.Since(taken); held > durable.PaceHold {
				t.Fatalf("held for %v", held)
			}
			if mine {
				break
			}
		}
		if at := time.Since(began).Round(time.Second); at != 200*time.Second {
			t.Errorf("the second began after %v", at)
		}
	})
}

func TestAnAttemptThatDoesNotBeginTakesNobodysTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, began := durable.Pace(1, 1), time.Now()
		wait(t.Context())
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if wait(ctx) {
				t.Error("begun although its context ended")
			}
			cancel()
		}
		if !wait(t.Context()) || time.Since(began).Round(time.Millisecond) != time.Second {
			t.Errorf("the next one began after %v", time.Since(began))
		}
	})
}

func rateIsNoAttempt[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	handle := func(ctx context.Context, _ int) error { return ctx.Err() }
	// All are taken at once. The third turn comes in two seconds, after the timeout of an attempt
	// that began then; the timeout is as long as it can be, for a machine with other work.
	q := newQueue(t, jobs, "paced", handle, durable.QueueConfig[int]{RateLimit: 1, Timeout: 1500 * time.Millisecond, Concurrency: 3})
	ids := []int64{enqueue(t, q, 1), enqueue(t, q, 2), enqueue(t, q, 3)}
	start(t, jobs)
	for _, id := range ids {
		if row := inState(t, jobs, id, rivertype.JobStateCompleted); row.Attempt != 1 {
			t.Errorf("job %d needed %d attempts", id, row.Attempt)
		}
	}
}

// takenAt makes four jobs of a queue that lets two begin and no more for long, and
// waits until the others are taken.
func takenAt[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) (q *durable.Queue[int], waiting []int64) {
	t.Helper()
	q = newQueue(t, jobs, "paced", nothing[int], durable.QueueConfig[int]{RateLimit: 1e-4, Burst: 2, Concurrency: 4})
	for i := range 4 {
		enqueue(t, q, i)
	}
	start(t, jobs)
	until(t, "two begin", func() bool { return q.Stats().Handled == 2 })
	until(t, "the others are taken", func() bool {
		rows, err := durable.List(t.Context(), q, 10, rivertype.JobStateRunning)
		must(t, err)
		waiting = waiting[:0]
		for _, row := range rows {
			waiting = append(waiting, row.ID)
		}
		done, err := durable.List(t.Context(), q, 10, rivertype.JobStateCompleted)
		must(t, err)
		return len(waiting) == 2 && len(done) == 2
	})
	return q, waiting
}

func rateStop[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q, waiting := takenAt(t, jobs)
	if s := q.Stats(); s.InProgress != 0 || jobs.Backlog() != 0 {
		t.Errorf("%d count as in progress, a stop waits for %d", s.InProgress, jobs.Backlog())
	}
	stop(t, jobs)
	for _, id := range waiting {
		row, err := durable.Get(context.Background(), jobs, id)
		must(t, err)
		if row.State != rivertype.JobStateAvailable || row.Attempt != 0 || len(row.Errors) > 0 {
			t.Errorf("job %d is %s with %d attempts, %v", id, row.State, row.Attempt, row.Errors)
		}
	}
	if s := q.Stats(); s.Handled != 2 || s.GaveUp != 0 || s.Retried != 0 || jobs.Leftover() != 0 {
		t.Errorf("%+v, %d left over", s, jobs.Leftover())
	}
}

func rateCancel[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q, waiting := takenAt(t, jobs)
	must(t, q.Cancel(waiting[0]))
	inState(t, jobs, waiting[0], rivertype.JobStateCancelled)
	if n := q.Stats().Handled; n != 2 {
		t.Errorf("%d were handled", n)
	}
}
