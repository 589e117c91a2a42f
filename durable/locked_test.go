package durable_test

import (
	"context"
	"testing"
	"time"

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
	_, err = tx.Exec(t.Context(), `UPDATE "`+e.schema+`".river_job SET priority = 2 WHERE id = $1`, ids[1])
	must(t, err)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	newQueue(t, jobs, "held", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	lookTwice(t, jobs)
	inState(t, jobs, ids[0], rivertype.JobStateDiscarded)
	inState(t, jobs, ids[2], rivertype.JobStateDiscarded)
}

// What a job came to waits for whoever holds its row; what others came to does not.
func TestAnOutcomeThatHasToWaitKeepsNoOtherOneWaiting(t *testing.T) {
	e := openPostgres(t)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, end := make(chan struct{}), make(chan struct{})
	q := newQueue(t, jobs, "held", func(_ context.Context, i int) error {
		if i == 0 {
			close(begun)
			<-end
		}
		return nil
	}, durable.QueueConfig[int]{Concurrency: 9})
	start(t, jobs)
	id := enqueue(t, q, 0)
	receive(t, begun)
	tx, err := e.begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM "`+e.schema+`".river_job WHERE id = $1 FOR UPDATE`, id)
	must(t, err)
	close(end)
	for range 3 {
		time.Sleep(100 * time.Millisecond) // another batch
		inState(t, jobs, enqueue(t, q, 1), rivertype.JobStateCompleted)
	}
	row, err := durable.Get(t.Context(), jobs, id)
	must(t, err)
	if row.State != rivertype.JobStateRunning {
		t.Errorf("its row is held, and it is %s", row.State)
	}
	must(t, e.end(t.Context(), tx, false))
	stop(t, jobs) // waits for it
	if row = inState(t, jobs, id, rivertype.JobStateCompleted); row.Attempt != 1 {
		t.Errorf("attempt %d", row.Attempt)
	}
}
