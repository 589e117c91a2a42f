package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// Job is a job as the store has it. A time that has not come or is not known is zero.
type Job struct {
	ID    int64
	Queue string
	State string // available, running, retryable, scheduled, completed, cancelled, discarded or pending

	// Item is of the queue's element type. It is the job's JSON, a string, if that does not
	// decode as one.
	Item any
	Meta map[string]string

	Priority    int
	Attempt     int // that runs or was the last; 0: none began
	MaxAttempts int

	EnqueuedAt time.Time
	DueAt      time.Time // zero while the job waits for others to end, see After
	StartedAt  time.Time // of the last attempt
	EndedAt    time.Time // of the job

	// Process is the ID, as in [Jobs.Instances], of the process that took the job last.
	Process string

	// Failures are the attempts that failed, the oldest first.
	Failures []AttemptFailure
}

// AttemptFailure is an attempt at a job that failed.
type AttemptFailure struct {
	Attempt int
	At      time.Time
	Err     string
	Stack   string // of a panic; else empty
	Process string // that had the job; empty if it is not known any more
}

// Job returns a job of this queue with its failed attempts. It returns an error that
// wraps [ErrNotFound] if the queue has no such job. It blocks until the store answers or
// ctx is done.
func (q *Queue[T]) Job(ctx context.Context, id int64) (Job, error) {
	row, err := q.jobs.get(ctx, id)
	if errors.Is(err, rivertype.ErrNotFound) || err == nil && row.Kind != q.kind {
		return Job{}, fmt.Errorf("stead/durable: get job %d of queue %q: %w", id, q.kind, ErrNotFound)
	}
	if err != nil {
		return Job{}, err
	}
	return q.jobOf(row), nil
}

func (q *Queue[T]) jobOf(row *rivertype.JobRow) Job {
	job := Job{
		ID: row.ID, Queue: row.Queue, State: string(row.State), Item: q.itemOf(row), Meta: noteOf(row.Metadata).Meta,
		Priority: row.Priority, Attempt: row.Attempt, MaxAttempts: row.MaxAttempts,
		EnqueuedAt: row.CreatedAt, DueAt: row.ScheduledAt,
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
