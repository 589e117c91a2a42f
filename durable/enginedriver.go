package durable

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// engineDriver is the store's driver as the engine gets it: nothing is written about
// disowned jobs, times are by the store's clock, and jobs that are due are announced.
type engineDriver[TTx any] struct {
	retryingDriver[TTx]

	jobs *core
}

func (d engineDriver[TTx]) GetExecutor() riverdriver.Executor {
	return engineExecutor{d.retryingDriver.GetExecutor(), d.jobs}
}

func (d engineDriver[TTx]) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return ringing{d.retryingDriver.GetListener(params), &d.jobs.agenda, &d.jobs.clock, d.jobs.scheduler.look}
}

type engineExecutor struct {
	riverdriver.Executor

	jobs *core
}

// JobSetStateIfRunningMany writes the outcomes of attempts for the engine.
func (e engineExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) (rows []*rivertype.JobRow, err error) {
	left, dropped := e.jobs.disowned.leaveOut(params)
	if len(left.ID) > 0 {
		shifted := *left
		shifted.ScheduledAt, shifted.FinalizedAt = e.jobs.clock.ofAll(left.ScheduledAt), e.jobs.clock.ofAll(left.FinalizedAt)
		var stacks map[int64]*string
		shifted.ErrData, stacks = e.jobs.stacks.into(left)
		if rows, err = e.Executor.JobSetStateIfRunningMany(ctx, &shifted); err == nil {
			e.jobs.stacks.forget(stacks)
		}
	}
	if err == nil { // otherwise the engine comes again with all of them
		e.jobs.disowned.forget(dropped)
		e.jobs.due(rows)
		e.jobs.recorder.note(rows...)
	}
	return rows, err
}

// LeaderResign lets another process lead at once. The engine repeats it for longer than a stop
// may have, and there is no need to: the lease ends by itself.
func (e engineExecutor) LeaderResign(ctx context.Context, params *riverdriver.LeaderResignParams) (bool, error) {
	resigned, err := e.Executor.LeaderResign(ctx, params)
	if err != nil && e.jobs.ending.Err() != nil {
		level := slog.LevelWarn
		if isClosed(err) && e.jobs.closedSaid.Swap(true) {
			level = slog.LevelDebug // as in engineLog
		}
		e.jobs.log.Log(ctx, level, "lead not handed over, another process takes it within some 15 s", slog.Any("error", err))
		return false, nil // or the engine would try again
	}
	return resigned, err
}

func (e engineExecutor) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := e.Executor.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return engineTx{tx, e.jobs}, nil
}

type engineTx struct {
	riverdriver.ExecutorTx

	jobs *core
}

// JobSchedule makes jobs available that are due soon. The engine says until when.
func (t engineTx) JobSchedule(ctx context.Context, params *riverdriver.JobScheduleParams) ([]*riverdriver.JobScheduleResult, error) {
	shifted := *params
	if params.Now != nil {
		until := t.jobs.clock.of(*params.Now)
		shifted.Now = &until
	}
	results, err := t.ExecutorTx.JobSchedule(ctx, &shifted)
	rows := make([]*rivertype.JobRow, len(results))
	for i, r := range results {
		rows[i] = &r.Job
	}
	t.jobs.due(rows)
	return results, err
}

// ofAll is of for each that is not nil.
func (c *clock) ofAll(local []*time.Time) []*time.Time {
	all := make([]*time.Time, len(local))
	for i, at := range local {
		if at != nil {
			shifted := c.of(*at)
			all[i] = &shifted
		}
	}
	return all
}
