package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// faltering is a store that does not take the outcome of jobs for a while.
type faltering struct {
	store.Backend[*sql.Tx]

	refuse *atomic.Int32 // so many times
}

type falteringDriver struct {
	riverdriver.Driver[*sql.Tx]

	refuse *atomic.Int32
}

type falteringExecutor struct {
	riverdriver.Executor

	refuse *atomic.Int32
}

func (s faltering) Driver() riverdriver.Driver[*sql.Tx] {
	return falteringDriver{s.Backend.Driver(), s.refuse}
}

func (d falteringDriver) GetExecutor() riverdriver.Executor {
	return falteringExecutor{d.Driver.GetExecutor(), d.refuse}
}

func (e falteringExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	if e.refuse.Add(-1) >= 0 {
		return nil, errors.New("away for a moment")
	}
	return e.Executor.JobSetStateIfRunningMany(ctx, params)
}

// The engine alone drops the outcome after three tries, and the job runs again.
func TestTheOutcomeOfAHandlerIsWrittenAlthoughTheStoreRefusesItForAWhile(t *testing.T) {
	e := openSQLite(t)
	var refuse, runs atomic.Int32
	refuse.Store(5)
	jobs := newJobs(t, fake[*sql.Tx](faltering{store.Of(e.store), &refuse}), durable.EnqueueAndWork)
	q := newQueue(t, jobs, "kept", func(context.Context, int) error { runs.Add(1); return nil }, durable.QueueConfig[int]{})
	start(t, jobs)
	inState(t, jobs, enqueue(t, q, 1), rivertype.JobStateCompleted)
	if refuse.Load() >= 0 || runs.Load() != 1 {
		t.Errorf("%d refusals left, %d runs", refuse.Load(), runs.Load())
	}
}
