package durable

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// get returns a job with its state, attempts and errors.
func (j *core) get(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return j.act(ctx, "get", id, riverClient.JobGet)
}

// heldBy says which job has the unique key of another.
func (j *core) heldBy(ctx context.Context, client riverClient, id int64, err error) error {
	row, failed := client.JobGet(ctx, id)
	if failed != nil {
		return err
	}
	where := "unique_key = @unique_key AND " + j.keyIndex()
	held, failed := client.JobList(ctx, river.NewJobListParams().First(1).Where(where, river.NamedArgs{"unique_key": row.UniqueKey}))
	if failed != nil || len(held.Jobs) == 0 {
		return err
	}
	return fmt.Errorf("its unique key is held by job %d, which is %s", held.Jobs[0].ID, held.Jobs[0].State)
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
