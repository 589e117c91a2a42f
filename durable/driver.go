package durable

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// driver is the store's driver with another idea of what the process that leads
// does with a job whose process died. The engine discards those of a kind that the
// leader does not know, which in a deployment may be the older program, and tells
// nobody of those without an attempt left.
type driver[TTx any] struct {
	riverdriver.Driver[TTx]

	exec *rescueExecutor
}

func newDriver[TTx any](inner riverdriver.Driver[TTx], kinds map[string]func(*rivertype.JobRow), after time.Duration) *driver[TTx] {
	e := &rescueExecutor{Executor: inner.GetExecutor(), kinds: kinds, stuck: map[int64]*rivertype.JobRow{}}
	if inner.DatabaseName() == "postgres" {
		e.after = after
	}
	return &driver[TTx]{inner, e}
}

// GetExecutor is what everything of the engine runs its statements with that is
// not in a transaction.
func (d *driver[TTx]) GetExecutor() riverdriver.Executor { return d.exec }

type rescueExecutor struct {
	riverdriver.Executor

	kinds map[string]func(*rivertype.JobRow) // known here, and who wants to know of a job given up
	after time.Duration                      // how old an attempt counts as lost; 0: the store is on this machine

	mu    sync.Mutex
	stuck map[int64]*rivertype.JobRow // of the batch that is being rescued
}

// JobGetStuck leaves out the kinds that are not known here: those jobs stay as
// they are until a process leads that knows them. Should there ever be so many
// that they fill a batch of the engine, younger ones wait for that too.
//
// The engine says what is too old by the clock of the process that leads, although
// the store's wrote down when an attempt began. If the process is ahead, jobs that
// run elsewhere would be run again beside themselves, so the earlier of both counts.
func (e *rescueExecutor) JobGetStuck(ctx context.Context, params *riverdriver.JobGetStuckParams) ([]*rivertype.JobRow, error) {
	if e.after > 0 {
		var now time.Time
		if err := e.QueryRow(ctx, "SELECT now()").Scan(&now); err != nil {
			return nil, err
		}
		if horizon := now.Add(-e.after); horizon.Before(params.StuckHorizon) {
			earlier := *params
			earlier.StuckHorizon = horizon
			params = &earlier
		}
	}
	rows, err := e.Executor.JobGetStuck(ctx, params)
	rows = slices.DeleteFunc(rows, func(row *rivertype.JobRow) bool { return e.kinds[row.Kind] == nil })
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.stuck)
	for _, row := range rows {
		e.stuck[row.ID] = row
	}
	return rows, err
}

// JobRescueMany tells the queues of the jobs that the rescue gave up.
func (e *rescueExecutor) JobRescueMany(ctx context.Context, params *riverdriver.JobRescueManyParams) (*struct{}, error) {
	res, err := e.Executor.JobRescueMany(ctx, params)
	if err != nil {
		return res, err
	}
	for i, id := range params.ID {
		if params.State[i] != string(rivertype.JobStateDiscarded) {
			continue
		}
		e.mu.Lock()
		row := e.stuck[id]
		e.mu.Unlock()
		if row != nil {
			e.kinds[row.Kind](row)
		}
	}
	return res, nil
}
