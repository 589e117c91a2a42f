package durable

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// keeper is a store's driver that does not let go of the outcome of a handler.
//
// The engine tries three times within about three seconds to write that jobs have
// ended, and then drops that: the rescue runs them all again later, although they
// were handled. A database that restarts is away for longer. Each of the three
// tries has ten seconds, which the engine gives to one statement; here they are
// used up with repeats, which makes half a minute.
type keeper[TTx any] struct {
	riverdriver.Driver[TTx]
}

func (k keeper[TTx]) GetExecutor() riverdriver.Executor {
	return keepingExecutor{k.Driver.GetExecutor()}
}

type keepingExecutor struct {
	riverdriver.Executor
}

// keepPause is long enough not to burden a database that recovers.
const keepPause = 250 * time.Millisecond

// JobSetStateIfRunningMany may be repeated when it is not known whether it was
// done: it changes only jobs that are running.
func (e keepingExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	for {
		rows, err := e.Executor.JobSetStateIfRunningMany(ctx, params)
		if err == nil || ctx.Err() != nil || errors.Is(err, riverdriver.ErrClosedPool) {
			return rows, err
		}
		timer := time.NewTimer(keepPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}
