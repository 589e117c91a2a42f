package durable

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// failedStates are those of jobs that failed for good or were cancelled.
var failedStates = []rivertype.JobState{rivertype.JobStateDiscarded, rivertype.JobStateCancelled}

func (q *Queue[T]) list(ctx context.Context, params *river.JobListParams) ([]*rivertype.JobRow, error) {
	client, err := q.jobs.connected()
	if err != nil {
		return nil, err
	}
	res, err := client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("stead/durable: list %q: %w", q.kind, hint(err))
	}
	return res.Jobs, nil
}

// get returns a job with its state, attempts and errors.
func (j *core) get(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "get", id, riverClient.JobGet)
}

// requeue makes a job of any state but running available now, with one attempt more if
// it had used all.
func (j *core) requeue(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "requeue", id, func(client riverClient, ctx context.Context, id int64) (*rivertype.JobRow, error) {
		row, err := j.retry(ctx, client, id)
		if isDuplicate(err) {
			err = j.heldBy(ctx, client, id, err)
		}
		return row, err
	})
}

// heldBy says which job has the unique key of another.
func (j *core) heldBy(ctx context.Context, client riverClient, id int64, err error) error {
	row, failed := client.JobGet(ctx, id)
	if failed != nil {
		return err
	}
	where := "unique_key = @unique_key AND " + keyIndex[j.engine.database()]
	held, failed := client.JobList(ctx, river.NewJobListParams().First(1).Where(where, river.NamedArgs{"unique_key": row.UniqueKey}))
	if failed != nil || len(held.Jobs) == 0 {
		return err
	}
	return fmt.Errorf("its unique key is held by job %d, which is %s", held.Jobs[0].ID, held.Jobs[0].State)
}

// cancel ends a waiting job, and cancels the context of a running one.
func (j *core) cancel(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	row, err := j.act(ctx, "cancel", id, riverClient.JobCancel)
	if err == nil {
		// The engine tells a running job only where the store announces things.
		j.running.cancel(id, ErrCancelled)
		j.recorder.note(row) // one that waited has ended
	}
	return row, err
}

// discard deletes a job that is not running.
func (j *core) discard(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "discard", id, riverClient.JobDelete)
}

func (j *core) act(ctx context.Context, verb string, id int64, do func(riverClient, context.Context, int64) (*rivertype.JobRow, error)) (*rivertype.JobRow, error) {
	client, err := j.connected()
	if err != nil {
		return nil, err
	}
	row, err := do(client, ctx, id)
	if err != nil {
		return nil, fmt.Errorf("stead/durable: %s job %d: %w", verb, id, hint(err))
	}
	return row, nil
}

// retry makes a job available, or lets it wait for its key.
func (j *core) retry(ctx context.Context, client riverClient, id int64) (*rivertype.JobRow, error) {
	before, err := client.JobGet(ctx, id)
	if err != nil {
		return nil, err
	}
	if noteOf(before.Metadata).Key == "" || !j.keyed(before.Queue) {
		return client.JobRetry(ctx, id)
	}
	tx, err := j.engine.executor().Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after a commit
	row, err := tx.JobRetry(ctx, &riverdriver.JobRetryParams{ID: id})
	if err == nil {
		err = tx.Exec(ctx, dialects[j.engine.database()].hold, id)
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err == nil {
		j.freed(before.Queue)
	}
	return row, err
}
