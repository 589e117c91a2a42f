package durable

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// retryingDriver is a store's driver that does not let go of the outcome of a handler.
//
// The engine writes what many jobs came to in one statement. It repeats one that
// failed: for ever while it runs, without a difference between an unreachable store and a
// datum that no store takes; and in a stop three times within some seconds, after which
// the jobs run again although they were handled. Here the time that the engine gives to
// one try, ten seconds, is used up with repeats of what may still succeed, and a batch
// that is refused is split until only the bad one is left.
type retryingDriver[TTx any] struct {
	riverdriver.Driver[TTx]

	log  *slog.Logger
	held *held // nil for a store that locks no rows
}

func (k retryingDriver[TTx]) GetExecutor() riverdriver.Executor {
	return retryingExecutor{k.Driver.GetExecutor(), k.log, k.held}
}

type retryingExecutor struct {
	riverdriver.Executor

	log  *slog.Logger
	held *held
}

// keepPause is long enough not to burden a database that recovers.
const keepPause = 250 * time.Millisecond

// JobSetStateIfRunningMany may be repeated when it is not known whether it was
// done: it changes only jobs that are running.
func (e retryingExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	for {
		rows, err := e.write(ctx, params)
		switch {
		case err == nil || ctx.Err() != nil || errors.Is(err, riverdriver.ErrClosedPool):
			return rows, err
		case isRefusal(err):
			return e.split(ctx, params, err)
		}
		if sleep(ctx, keepPause); ctx.Err() != nil {
			return nil, err
		}
	}
}

func (e retryingExecutor) write(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	if e.held == nil {
		return e.Executor.JobSetStateIfRunningMany(ctx, params)
	}
	return e.held.write(ctx, params)
}

// split writes the two halves of a batch that was refused. What is left of a single
// one is its state: the rest of it is what the store does not take.
func (e retryingExecutor) split(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams, why error) ([]*rivertype.JobRow, error) {
	if n := len(params.ID); n > 1 {
		first, err := e.JobSetStateIfRunningMany(ctx, part(params, 0, n/2))
		if err != nil {
			return nil, err
		}
		second, err := e.JobSetStateIfRunningMany(ctx, part(params, n/2, n))
		return append(first, second...), err
	}
	e.log.Error("outcome of a job refused by the store", slog.Int64("job", params.ID[0]), slog.Any("error", why))
	plain := *params
	plain.MetadataDoMerge, plain.MetadataUpdates = []bool{false}, [][]byte{nil}
	plain.ErrData = [][]byte{substitute(params.ErrData[0], why)}
	rows, err := e.Executor.JobSetStateIfRunningMany(ctx, &plain)
	if err != nil && isRefusal(err) {
		return nil, nil // the rescue will find it
	}
	return rows, err
}

// substitute is an attempt's error with another text, nil if there was none.
func substitute(data []byte, why error) []byte {
	if data == nil {
		return nil
	}
	var e rivertype.AttemptError
	_ = json.Unmarshal(data, &e) // the engine has just made it
	e.Error, e.Trace = "the store refused the error of this attempt: "+storableText(why.Error()), ""
	if data, err := json.Marshal(e); err == nil {
		return data
	}
	return []byte("{}")
}

func part(p *riverdriver.JobSetStateIfRunningManyParams, from, to int) *riverdriver.JobSetStateIfRunningManyParams {
	return &riverdriver.JobSetStateIfRunningManyParams{
		ID: p.ID[from:to], Attempt: p.Attempt[from:to], ErrData: p.ErrData[from:to], FinalizedAt: p.FinalizedAt[from:to],
		MetadataDoMerge: p.MetadataDoMerge[from:to], MetadataUpdates: p.MetadataUpdates[from:to], Now: p.Now,
		ScheduledAt: p.ScheduledAt[from:to], Schema: p.Schema, State: p.State[from:to],
	}
}

// only is a copy of what params has for the jobs that are wanted.
func only(params *riverdriver.JobSetStateIfRunningManyParams, wanted func(id int64) bool) *riverdriver.JobSetStateIfRunningManyParams {
	left := &riverdriver.JobSetStateIfRunningManyParams{Now: params.Now, Schema: params.Schema}
	for i, id := range params.ID {
		if !wanted(id) {
			continue
		}
		left.ID, left.Attempt, left.ErrData = append(left.ID, id), append(left.Attempt, params.Attempt[i]), append(left.ErrData, params.ErrData[i])
		left.FinalizedAt, left.ScheduledAt = append(left.FinalizedAt, params.FinalizedAt[i]), append(left.ScheduledAt, params.ScheduledAt[i])
		left.MetadataDoMerge = append(left.MetadataDoMerge, params.MetadataDoMerge[i])
		left.MetadataUpdates, left.State = append(left.MetadataUpdates, params.MetadataUpdates[i]), append(left.State, params.State[i])
	}
	return left
}

// is reports whether a job is one of these.
func is(ids []int64) func(id int64) bool {
	set := make(map[int64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return func(id int64) bool { return set[id] }
}

// isRefusal reports whether the store answered that it does not take a datum, as it
// will the next time too: the classes "data exception" and "integrity constraint
// violation" of PostgreSQL, and what SQLite has in their place.
func isRefusal(err error) bool {
	var postgres interface{ SQLState() string }
	if errors.As(err, &postgres) {
		state := postgres.SQLState()
		return strings.HasPrefix(state, "22") || strings.HasPrefix(state, "23")
	}
	const generic, tooBig, constraint, mismatch, primary = 1, 18, 19, 20, 0xff
	var sqlite interface{ Code() int }
	if errors.As(err, &sqlite) {
		switch sqlite.Code() & primary {
		case tooBig, constraint, mismatch:
			return true
		case generic: // also for a table that is not there yet
			return strings.Contains(err.Error(), "JSON")
		}
		return false
	}
	// Other drivers of SQLite have no number, or one of a type of their own.
	return err != nil && slices.ContainsFunc(refusals, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// refusals are SQLite's own words for what it does not take.
var refusals = []string{"malformed JSON", "string or blob too big", "constraint failed", "datatype mismatch"}
