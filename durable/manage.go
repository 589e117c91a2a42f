package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
)

// manageWait bounds what a page asks of the store without a context of its own.
const manageWait = 5 * time.Second

// failedStates are those of jobs that failed for good or were cancelled.
var failedStates = []rivertype.JobState{rivertype.JobStateDiscarded, rivertype.JobStateCancelled}

// List returns jobs of this queue in any of the states, all if none are given,
// the oldest first, at most limit (1 to 10,000).
func (q *Queue[T, TTx]) List(ctx context.Context, limit int, states ...rivertype.JobState) ([]*rivertype.JobRow, error) {
	if limit < 1 || limit > 10_000 {
		return nil, fmt.Errorf("stead/durable: list %q: the limit is not from 1 to 10000: %d", q.kind, limit)
	}
	client, err := q.jobs.Client()
	if err != nil {
		return nil, err
	}
	params := river.NewJobListParams().Kinds(q.kind).First(limit).OrderBy(river.JobListOrderByID, river.SortOrderAsc)
	if len(states) > 0 {
		params = params.States(states...)
	}
	res, err := client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("stead/durable: list %q: %w", q.kind, err)
	}
	return res.Jobs, nil
}

// Get returns a job with its state, attempts and errors, or river.ErrNotFound.
func (j *Jobs[TTx]) Get(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "get", id, (*river.Client[TTx]).JobGet)
}

// Retry makes a job of any state but running available now, with one attempt more
// if it had used all.
func (j *Jobs[TTx]) Retry(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "retry", id, (*river.Client[TTx]).JobRetry)
}

// Cancel ends a waiting job, and cancels the context of a running one, which is
// then not retried. On SQLite a running job is reached only in the process that
// runs it; elsewhere the wish counts once its handler has failed.
func (j *Jobs[TTx]) Cancel(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	row, err := j.act(ctx, "cancel", id, (*river.Client[TTx]).JobCancel)
	if err == nil {
		// The engine tells a running job only where the store announces things.
		j.running.cancel(id, rivertype.ErrJobCancelledRemotely)
	}
	return row, err
}

// Delete removes a job that is not running; a running one is river's
// rivertype.ErrJobRunning.
func (j *Jobs[TTx]) Delete(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "delete", id, (*river.Client[TTx]).JobDelete)
}

func (j *Jobs[TTx]) act(ctx context.Context, verb string, id int64, do func(*river.Client[TTx], context.Context, int64) (*rivertype.JobRow, error)) (*rivertype.JobRow, error) {
	client, err := j.Client()
	if err != nil {
		return nil, err
	}
	row, err := do(client, ctx, id)
	if err != nil {
		return nil, fmt.Errorf("stead/durable: %s job %d: %w", verb, id, err)
	}
	return row, nil
}

// Failures lists the oldest hundred jobs of this queue that failed for good, were
// cancelled, or could not be decoded (those have a nil Item), from the store. It
// is empty when the store does not answer within 5 s.
func (q *Queue[T, TTx]) Failures() []channelq.Failure {
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	rows, err := q.List(ctx, 100, failedStates...)
	if err != nil {
		q.jobs.log.Warn("failures cannot be listed", slog.String("queue", q.kind), slog.Any("error", err))
		return nil
	}
	list := make([]channelq.Failure, len(rows))
	for i, row := range rows {
		f := channelq.Failure{ID: uint64(row.ID), Attempts: row.Attempt, Err: errors.New("cancelled")}
		if n := len(row.Errors); n > 0 {
			f.Err = errors.New(row.Errors[n-1].Error)
		}
		if row.FinalizedAt != nil {
			f.At = *row.FinalizedAt
		}
		var item T
		if json.Unmarshal(row.EncodedArgs, &item) == nil {
			f.Item = item
		}
		list[i] = f
	}
	return list
}

// Requeue is Jobs.Retry for a job that Failures listed.
func (q *Queue[T, TTx]) Requeue(id uint64) error { return q.settle(id, q.jobs.Retry) }

// Discard is Jobs.Delete for a job that Failures listed.
func (q *Queue[T, TTx]) Discard(id uint64) error { return q.settle(id, q.jobs.Delete) }

// settle acts on a job only if it is this queue's and a failed one: the IDs come
// from a page that may be old.
func (q *Queue[T, TTx]) settle(id uint64, do func(context.Context, int64) (*rivertype.JobRow, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	row, err := q.jobs.Get(ctx, int64(id))
	if err != nil {
		return err
	}
	if row.Kind != q.kind || row.State != rivertype.JobStateDiscarded && row.State != rivertype.JobStateCancelled {
		return fmt.Errorf("stead/durable: queue %q: no failure %d", q.kind, id)
	}
	_, err = do(ctx, int64(id))
	return err
}

// Pause keeps all processes from taking jobs of this queue until Resume; what runs
// goes on, and enqueueing too. It is remembered in the store. The error is logged
// when the store does not answer within 5 s; Client has QueuePause for who needs it.
func (q *Queue[T, TTx]) Pause() { q.control("pause", (*river.Client[TTx]).QueuePause) }

// Resume undoes Pause.
func (q *Queue[T, TTx]) Resume() { q.control("resume", (*river.Client[TTx]).QueueResume) }

func (q *Queue[T, TTx]) control(verb string, do func(*river.Client[TTx], context.Context, string, *river.QueuePauseOpts) error) {
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	client, err := q.jobs.Client()
	if err == nil {
		err = do(client, ctx, q.kind, nil)
	}
	if err != nil {
		q.jobs.log.Error("queue not changed", slog.String("queue", q.kind), slog.String("verb", verb), slog.Any("error", err))
	}
}

// Paused reports what the store says; false when it does not answer within 5 s or
// no process has ever worked the queue.
func (q *Queue[T, TTx]) Paused() bool {
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	client, err := q.jobs.Client()
	if err != nil {
		return false
	}
	queue, err := client.QueueGet(ctx, q.kind)
	return err == nil && queue.PausedAt != nil
}
