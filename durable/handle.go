package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// Requeue lets a job of this queue start now that gave up, was canceled, was completed,
// or waits for its time or for its next attempt. The job gets one attempt more if it has
// used all. Requeue waits for the store for at most 5 s. It returns an error that wraps
// [ErrNotFound] if the queue has no such job, an error that says the state of one that is
// in none of those, and an error that names the other job if that has the same [Unique] key
// and has not ended. Of several calls at once, in whatever process, one succeeds.
func (q *Queue[T]) Requeue(id int64) error {
	return q.settle(q.jobs.requeue, subject{verb: "requeue", id: id, in: requeueStates})
}

// RequeueIf is [Queue.Requeue] of a job that has still had so many attempts: of two people
// who see the same completed job, the second does not run it a third time because it was
// requeued and is completed again.
func (q *Queue[T]) RequeueIf(id int64, attempts int) error {
	return q.settle(q.jobs.requeue, subject{verb: "requeue", id: id, in: requeueStates, is: func(row *rivertype.JobRow) string {
		if row.Attempt == attempts {
			return ""
		}
		return fmt.Sprintf("it was requeued meanwhile, has had %d attempts and is %s now", row.Attempt, row.State)
	}})
}

// Discard deletes a job of this queue that has ended, in whatever way. It waits for the
// store for at most 5 s. It returns an error that wraps [ErrNotFound] if the queue has
// no such job.
func (q *Queue[T]) Discard(id int64) error {
	return q.settle(q.jobs.discard, subject{verb: "discard", id: id, in: discardStates})
}

// Cancel ends a job of this queue that waits, and cancels the context of a running
// handler with [ErrCancelled] as the cause; the job is then not retried. The request is
// kept in the store: a handler in another process is canceled within some 2 s, even if a
// connection broke meanwhile, and no further attempt begins. A handler that returns nil
// nevertheless has completed its job. Cancel waits for the store for at most 5 s. It
// returns an error that wraps [ErrNotFound] if the queue has no such job, and an error if
// the job has ended or is being canceled already.
func (q *Queue[T]) Cancel(id int64) error {
	return q.settle(q.jobs.cancel, subject{verb: "cancel", id: id, in: unfinished, is: func(row *rivertype.JobRow) string {
		if row.State == rivertype.JobStateRunning && hasWish(row.Metadata) {
			return "it is running now and is being canceled already"
		}
		return ""
	}})
}

// Reschedule changes when a job of this queue is due that waits for a worker, for its time,
// for its key or for its next attempt. If the time has passed, the job may start at once.
// What follows the job, its keys and its place among jobs of one priority by time stay
// right. Reschedule waits for the store for at most 5 s. It returns an error that wraps
// [ErrNotFound] if the queue has no such job, and an error if the job runs, has ended, or
// waits for other jobs to end (see [After]), and if the year is not from 1 to 9998.
func (q *Queue[T]) Reschedule(id int64, at time.Time) error {
	return q.RescheduleIf(id, time.Time{}, at)
}

// RescheduleIf is [Queue.Reschedule] of a job that is still due at from: of two people who
// see the same time, the second does not undo what the first has done. If from is zero, the
// job may be due at any time.
func (q *Queue[T]) RescheduleIf(id int64, from, at time.Time) error {
	at = notBefore(at)
	if err := checkDue(at); err != nil {
		return fmt.Errorf("stead/durable: reschedule job %d: %w", id, err)
	}
	is := func(row *rivertype.JobRow) string {
		switch {
		case isBlocked(row):
			return "it waits for other jobs to end"
		case !from.IsZero() && !row.ScheduledAt.Equal(from):
			return fmt.Sprintf("it is %s and due at %s now", row.State, row.ScheduledAt.UTC().Format(time.DateTime+" MST"))
		}
		return ""
	}
	return q.settle(func(ctx context.Context, s subject) error { return q.jobs.reschedule(ctx, s, at) },
		subject{verb: "reschedule", id: id, in: rescheduleStates, is: is})
}

// settle acts on a job only if it is this queue's and what it has to be: the IDs come from
// a page that may be old.
func (q *Queue[T]) settle(do func(context.Context, subject) error, s subject) error {
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	s.kind = q.kind
	defer q.forget()
	return do(ctx, s)
}

// setDue are the statements that make a job due at a time: (id, state, time).
var setDue = map[string]string{
	"postgres": "UPDATE river_job SET state = $2::text::river_job_state, scheduled_at = $3::timestamptz WHERE id = $1",
	"sqlite":   "UPDATE river_job SET state = ?2, scheduled_at = ?3 WHERE id = ?1",
}

// reschedule makes a job due at a time, in the state in which a job waits for that.
func (j *core) reschedule(ctx context.Context, s subject, at time.Time) error {
	var moved rivertype.JobRow
	keyed := false
	err := j.settle(ctx, s, func(ctx context.Context, tx any, row *rivertype.JobRow) error {
		moved, keyed = *row, noteOf(row.Metadata).Key != "" && j.keyed(row.Queue)
		now := j.clock.now()
		if moved.ScheduledAt = at.UTC(); at.Before(now) { // or it would seem to have waited since then
			moved.ScheduledAt = now.UTC()
		}
		moved.State = waitingState(row.State, keyed, at.Sub(now) > soon)
		var due any = moved.ScheduledAt
		if j.engine.database() == "sqlite" {
			due = moved.ScheduledAt.Round(time.Millisecond).Format(storeTime)
		}
		return j.engine.executorTx(tx).Exec(ctx, setDue[j.engine.database()], row.ID, string(moved.State), due)
	})
	if err != nil {
		return err
	}
	if keyed {
		j.freed(moved.Queue)
	}
	j.due([]*rivertype.JobRow{&moved})
	return nil
}

// waitingState returns the state of a job that was in one of rescheduleStates. later says
// that it is due later than soon: a fetch finds what is due soon. A job that waits for
// its retry holds its key, as an available job does. The others wait for it.
func waitingState(was rivertype.JobState, keyed, later bool) rivertype.JobState {
	switch {
	case was == rivertype.JobStatePending:
		return was
	case was == rivertype.JobStateRetryable && later:
		return was
	case was != rivertype.JobStateRetryable && keyed:
		return rivertype.JobStatePending
	case later:
		return rivertype.JobStateScheduled
	}
	return rivertype.JobStateAvailable
}
