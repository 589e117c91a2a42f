package durable

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// A request to cancel a job is written to its row. A running job is notified as well, but
// a notification is lost while the listener reconnects. So the row is read too: before an
// attempt begins, while it runs, and before a retry is promised.

// wishEvery is how long a wish may go unnoticed by a job that runs.
const wishEvery = 2 * time.Second

// wishBatch is how many jobs one statement asks for: SQLite limits its parameters.
const wishBatch = 1000

// heedWishes cancels the handlers of jobs in hand that are to be canceled.
func (j *core) heedWishes(ctx context.Context) error {
	for ids := range slices.Chunk(j.running.ids(), wishBatch) {
		wanted, err := j.wished(ctx, ids...)
		if err != nil {
			return err
		}
		for _, id := range wanted {
			j.running.cancel(id, ErrCancelled)
		}
	}
	return nil
}

// wished returns which of the running jobs are to be canceled.
func (j *core) wished(ctx context.Context, ids ...int64) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	return j.engine.executor().JobGetCancelRequested(ctx, &riverdriver.JobGetCancelRequestedParams{ID: ids, Schema: j.schema})
}

// hasWish reports whether the metadata of a job say that it is to be canceled. The name
// alone does not: it may be that of a schedule.
func hasWish(metadata []byte) bool {
	const name = "cancel_attempted_at"
	if !bytes.Contains(metadata, []byte(name)) {
		return false
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(metadata, &members) // what is no object has no members
	_, ok := members[name]
	return ok
}
