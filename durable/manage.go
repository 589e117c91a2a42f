package durable

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// failedStates are those of jobs that failed for good or were cancelled.
var failedStates = []rivertype.JobState{rivertype.JobStateDiscarded, rivertype.JobStateCancelled}

// List returns jobs of this queue in any of the states, all if none are given,
// the oldest first, at most limit (1 to 10,000).
func (q *Queue[T, TTx]) List(ctx context.Context, limit int, states ...rivertype.JobState) ([]*rivertype.JobRow, error) {
	if limit < 1 || limit > 10_000 {
		return nil, fmt.Errorf("stead/durable: list %q: the limit is not from 1 to 10000: %d", q.kind, limit)
	}
	if err := checkStates(states); err != nil {
		return nil, fmt.Errorf("stead/durable: list %q: %w", q.kind, err)
	}
	params := river.NewJobListParams().Kinds(q.kind).First(limit).OrderBy(river.JobListOrderByID, river.SortOrderAsc)
	if len(states) > 0 {
		params = params.States(states...)
	}
	return q.list(ctx, params)
}

func (q *Queue[T, TTx]) list(ctx context.Context, params *river.JobListParams) ([]*rivertype.JobRow, error) {
	client, err := q.jobs.Client()
	if err != nil {
		return nil, err
	}
	res, err := client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("stead/durable: list %q: %w", q.kind, hint(err))
	}
	return res.Jobs, nil
}

// Get returns a job with its state, attempts and errors, or river.ErrNotFound.
func (j *Jobs[TTx]) Get(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "get", id, (*river.Client[TTx]).JobGet)
}

// Retry makes a job of any state but running available now, also one whose time has
// not come, with one attempt more if it had used all. [Queue.Requeue] is the same
// for a page: by the states in which that makes sense, and only in its queue. While
// another job has its [Unique] key it is an error, which names that one.
func (j *Jobs[TTx]) Retry(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "retry", id, func(client *river.Client[TTx], ctx context.Context, id int64) (*rivertype.JobRow, error) {
		row, err := client.JobRetry(ctx, id)
		if isDuplicate(err) {
			err = j.heldBy(ctx, client, id, err)
		}
		return row, err
	})
}

// heldBy says which job has the unique key of another.
func (j *Jobs[TTx]) heldBy(ctx context.Context, client *river.Client[TTx], id int64, err error) error {
	row, failed := client.JobGet(ctx, id)
	if failed != nil {
		return err
	}
	where := "unique_key = @unique_key AND " + keyIndex[j.store.Driver().DatabaseName()]
	held, failed := client.JobList(ctx, river.NewJobListParams().First(1).Where(where, river.NamedArgs{"unique_key": row.UniqueKey}))
	if failed != nil || len(held.Jobs) == 0 {
		return err
	}
	return fmt.Errorf("its unique key is held by job %d, which is %s", held.Jobs[0].ID, held.Jobs[0].State)
}

// Cancel ends a waiting job, and cancels the context of a running one, with
// [ErrCancelled] as the cause; that is then not retried. The wish is kept in the store:
// a handler in another process hears of it within some 2 s, also if a connection broke
// meanwhile, and no further attempt begins. A handler that returns nil all the same
// has completed its job.
func (j *Jobs[TTx]) Cancel(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	row, err := j.act(ctx, "cancel", id, (*river.Client[TTx]).JobCancel)
	if err == nil {
		// The engine tells a running job only where the store announces things.
		j.running.cancel(id, ErrCancelled)
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
		return nil, fmt.Errorf("stead/durable: %s job %d: %w", verb, id, hint(err))
	}
	return row, nil
}
