package durable

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
)

// Job is all that the store knows of a job.
type Job = channelq.JobDetail

// AttemptFailure is an attempt at a job that failed.
type AttemptFailure = channelq.JobFailure

// Job returns a job of this queue with its failed attempts. It returns an error that
// wraps [ErrNotFound] if the queue has no such job. It blocks until the store answers or
// ctx is done. The last failure of a job that cannot be read as a whole says why. How long
// an attempt took is known of the last one only, and as well as the clocks of its process
// and of the store agree.
func (q *Queue[T]) Job(ctx context.Context, id int64) (Job, error) {
	if !q.jobs.engine.usable() {
		return Job{}, fmt.Errorf("stead/durable: get job %d of queue %q: %w", id, q.kind, errNoStore)
	}
	rows, bad, err := q.jobs.rows(ctx, q.jobs.engine.executor(), []int64{id})
	if err == nil && (len(rows) == 0 || rows[0].Kind != q.kind) {
		err = ErrNotFound
	}
	if err != nil {
		return Job{}, fmt.Errorf("stead/durable: get job %d of queue %q: %w", id, q.kind, hint(err))
	}
	job := q.jobOf(ctx, rows[0])
	if why := bad[id]; why != nil {
		job.Failures = append(job.Failures, AttemptFailure{Attempt: job.Attempt, Err: why.Error()})
	}
	return job, nil
}

func (q *Queue[T]) jobOf(ctx context.Context, row *rivertype.JobRow) Job {
	n := noteOf(row.Metadata)
	job := Job{
		ID: row.ID, Queue: row.Queue, State: string(row.State), Item: q.itemOf(row), JSON: unwrap(row.EncodedArgs, row.Metadata), Meta: n.Meta,
		Key: n.Key, UniqueHash: hex.EncodeToString(row.UniqueKey), Schedule: n.Schedule, Slot: n.Slot,
		Priority: row.Priority, Attempt: row.Attempt, MaxAttempts: row.MaxAttempts,
		EnqueuedAt: row.CreatedAt, DueAt: row.ScheduledAt, RescueAt: q.jobs.deserted(ctx, []*rivertype.JobRow{row})[row.ID],
		CanCancel: slices.Contains(unfinished, row.State), CanRequeue: slices.Contains(requeueStates, row.State),
		CanDiscard: slices.Contains(discardStates, row.State), CanReschedule: slices.Contains(rescheduleStates, row.State) && !isBlocked(row),
	}
	if isBlocked(row) {
		job.DueAt = time.Time{}
	}
	if row.AttemptedAt != nil {
		job.StartedAt = *row.AttemptedAt
	}
	if row.FinalizedAt != nil {
		job.EndedAt = *row.FinalizedAt
	}
	if n := len(row.AttemptedBy); n > 0 {
		job.Process = row.AttemptedBy[n-1]
	}
	// River keeps the last processes only. One that gave the job back in a stop, which uses
	// no attempt, is among them too: then it is not known who had which attempt.
	known := len(row.AttemptedBy) == row.Attempt
	for _, e := range row.Errors {
		f := AttemptFailure{Attempt: e.Attempt, At: e.At, Err: plain(e.Error), Stack: e.Trace}
		// A rescue writes when it found the attempt, and one that was released began later.
		if e.Attempt == row.Attempt && !isLost(e.Error) && e.At.After(job.StartedAt) && !job.StartedAt.IsZero() {
			f.Took = e.At.Sub(job.StartedAt)
		}
		if known && e.Attempt >= 1 && e.Attempt <= row.Attempt {
			f.Process = row.AttemptedBy[e.Attempt-1]
		}
		job.Failures = append(job.Failures, f)
	}
	return job
}

// itemOf is the item of a row, or its JSON if that does not decode.
func (q *Queue[T]) itemOf(row *rivertype.JobRow) any {
	item, err := decode[T](row.EncodedArgs, row.Metadata)
	if err != nil {
		return string(unwrap(row.EncodedArgs, row.Metadata))
	}
	return item
}
