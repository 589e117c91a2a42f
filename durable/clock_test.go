package durable_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
)

// behind is a server whose clock is an hour behind the one of this process.
type behind struct {
	durable.Store[pgx.Tx]

	looked *atomic.Int32
}

type behindDriver struct {
	riverdriver.Driver[pgx.Tx]

	looked *atomic.Int32
}

type behindExecutor struct {
	riverdriver.Executor

	looked *atomic.Int32
}

func (b behind) Driver() riverdriver.Driver[pgx.Tx] { return behindDriver{b.Store.Driver(), b.looked} }

func (d behindDriver) GetExecutor() riverdriver.Executor {
	return behindExecutor{d.Driver.GetExecutor(), d.looked}
}

func (e behindExecutor) QueryRow(ctx context.Context, sql string, args ...any) riverdriver.Row {
	if sql == "SELECT now()" {
		sql += " - interval '1 hour'"
	}
	return e.Executor.QueryRow(ctx, sql, args...)
}

func (e behindExecutor) JobGetStuck(ctx context.Context, params *riverdriver.JobGetStuckParams) ([]*rivertype.JobRow, error) {
	rows, err := e.Executor.JobGetStuck(ctx, params)
	e.looked.Add(1)
	return rows, err
}

func TestALeaderWhoseClockIsAheadTakesNoJobFromAProcessThatLives(t *testing.T) {
	if testing.Short() {
		t.Skip("the engine looks for lost jobs every half minute")
	}
	e := openPostgres(t)
	var looked atomic.Int32
	jobs := newJobs(t, behind{e.store, &looked}, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "long", nothing[int], durable.QueueConfig[int]{})
	young, old := enqueue(t, q, 1), enqueue(t, q, 2)
	began := func(id int64, ago time.Duration) string {
		return "UPDATE river_job SET state='running', attempt=1, attempted_by=" + e.by + ", attempted_at='" + utc(ago) + "' WHERE id=" + map[int64]string{young: "1", old: "2"}[id]
	}
	must(t, e.exec(t.Context(), began(young, -3*time.Minute)))
	must(t, e.exec(t.Context(), began(old, -time.Hour-3*time.Minute)))
	start(t, jobs)
	inState(t, jobs, old, rivertype.JobStateCompleted)
	if row, err := jobs.Get(t.Context(), young); err != nil || row.State != rivertype.JobStateRunning || looked.Load() == 0 {
		t.Errorf("%+v, %v, looked %d times", row, err, looked.Load())
	}
}
