package durable_test

import (
	"testing"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
)

// A process that hangs, or whose machine is gone, may have a transaction open that holds
// the row of one of its jobs: the others are freed all the same.
func TestARescueDoesNotWaitForARowThatIsHeld(t *testing.T) {
	e := openPostgres(t)
	ids := crashed(t, e, "held", 3)
	tx, err := e.begin(t.Context())
	must(t, err)
	defer func() { must(t, e.end(t.Context(), tx, false)) }()
	_, err = tx.Exec(t.Context(), "UPDATE river_job SET priority = 2 WHERE id = $1", ids[1])
	must(t, err)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	newQueue(t, jobs, "held", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	lookTwice(t, jobs)
	inState(t, jobs, ids[0], rivertype.JobStateDiscarded)
	inState(t, jobs, ids[2], rivertype.JobStateDiscarded)
}
