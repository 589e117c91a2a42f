package durable

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable/internal/store"
)

// The rescue is not the engine's. There the process that leads judges by a horizon of its
// own the attempts of all others, of queues that it may not know, and it reads first what
// it changes later. Here every process that works looks for the jobs of the queues that
// it knows. An attempt is lost when it is older than the horizon of the process that made
// it and that process has not been seen for a minute (for its horizon, if that is less),
// in two looks: after a jump of the store's clock, or an outage of the store, processes
// that live have time to say so. While a process lives, only it judges its attempts: it
// knows what it has in hand.

const (
	// rescueEvery is longer than beatEvery, so that a process that lives has been seen
	// again between two looks. Where the horizon is short both are more frequent.
	rescueEvery = 20 * time.Second
	rescueLeast = time.Second

	// ownPatience is how long a process has for what it could not write down, once the
	// store is back.
	ownPatience = 30 * time.Second

	// rescueBatch is how many jobs one transaction frees.
	rescueBatch = 1000

	// soon is how early the engine makes a job available that is due later. What is
	// due within it is written down as available at once.
	soon = 5 * time.Second

	// never is the horizon of the engine's own rescue.
	never = 100 * 365 * 24 * time.Hour
)

// rescue is one look.
func (j *core) rescue(ctx context.Context) error {
	j.looking.Lock()
	defer j.looking.Unlock()
	j.mu.Lock()
	client, horizon := j.client, j.rescueAfterLocked()
	j.mu.Unlock()
	found := map[int64]int{}
	for after := int64(0); ; {
		list, err := j.stuck(ctx, client.ID(), horizon, after)
		if err != nil {
			return err
		}
		lost := map[int64]int{}
		for _, s := range list {
			// Either its handler ignores its timeout, or its outcome may be on its way to a store
			// that was unreachable.
			if s.Own && (j.running.has(s.ID) || j.held.has(s.ID) || j.sight.mayBeMissed(time.Now().Add(-ownPatience))) {
				continue
			}
			found[s.ID] = s.Attempt
			if j.suspects[s.ID] == s.Attempt {
				lost[s.ID] = s.Attempt
			}
		}
		if err := j.free(ctx, client.ID(), lost); err != nil {
			return err
		}
		if len(list) < rescueBatch {
			break
		}
		after = list[len(list)-1].ID
	}
	j.suspects = found
	return j.sayMissing(ctx)
}

func (j *core) stuck(ctx context.Context, self string, horizon time.Duration, after int64) ([]store.Stuck, error) {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	return j.store.Stuck(ctx, self, horizon, after, rescueBatch)
}

// free decides what becomes of lost attempts, numbers by the ID of their jobs, and
// tells the queues of the jobs that are given up. All of it is one transaction, and
// what is not that attempt any more is left alone.
func (j *core) free(ctx context.Context, self string, lost map[int64]int) error {
	if len(lost) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*tickWait)
	defer cancel()
	tx, err := j.engine.executor().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after a commit
	ids := slices.Sorted(maps.Keys(lost))
	before, _, err := j.rows(ctx, tx, ids)
	if err != nil {
		return err
	}
	v := verdicts{text: engineRescued + self, now: j.clock.now().UTC()}
	v.params.Schema = j.schema
	for _, row := range before {
		if q, ok := j.queueOf(row.Kind); ok && row.State == rivertype.JobStateRunning && row.Attempt == lost[row.ID] && row.AttemptedAt != nil {
			v.add(row, q)
		}
	}
	if len(v.params.ID) == 0 {
		return nil
	}
	if _, err := tx.JobRescueMany(ctx, &v.params); err != nil {
		return err
	}
	after, _, err := j.rows(ctx, tx, v.params.ID)
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return err
	}
	j.due(after)
	j.tellRescued(slices.DeleteFunc(after, func(row *rivertype.JobRow) bool { return !v.changed(row) }))
	return nil
}

func (j *core) tellRescued(rows []*rivertype.JobRow) {
	j.recorder.note(rows...)
	var again, ended []int64
	for _, row := range rows {
		q, _ := j.queueOf(row.Kind)
		if row.FinalizedAt == nil {
			again = append(again, row.ID)
		} else {
			ended = append(ended, row.ID)
			q.lost(row)
		}
	}
	if len(rows) > 0 {
		j.log.Warn("lost jobs rescued", slog.Int("to_run_again", len(again)), slog.Int("given_up", len(ended)),
			slog.Any("jobs_to_run_again", named(again)), slog.Any("jobs_given_up", named(ended)))
	}
}

func (j *core) queueOf(kind string) (registered, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.queues, func(q registered) bool { return q.kind == kind })
	if i < 0 {
		return registered{}, false
	}
	return j.queues[i], true
}

// verdicts are what the engine's statement is given for jobs that are lost.
type verdicts struct {
	text   string // of the error, so that it is known who wrote it
	now    time.Time
	params riverdriver.JobRescueManyParams
}

func (v *verdicts) add(row *rivertype.JobRow, q registered) {
	now := v.now
	raw, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: row.Attempt, Error: v.text})
	if err != nil {
		return
	}
	state, due, ended := rivertype.JobStateAvailable, row.ScheduledAt, (*time.Time)(nil)
	switch {
	case hasWish(row.Metadata):
		state, ended = rivertype.JobStateCancelled, &now
	case row.Attempt >= row.MaxAttempts:
		state, ended = rivertype.JobStateDiscarded, &now
	default:
		delay := q.delay(row.Attempt)
		if due = now.Add(delay); delay > soon {
			state = rivertype.JobStateRetryable
		}
	}
	p := &v.params
	p.ID, p.Error, p.State = append(p.ID, row.ID), append(p.Error, raw), append(p.State, string(state))
	p.FinalizedAt, p.ScheduledAt = append(p.FinalizedAt, ended), append(p.ScheduledAt, due)
	// The statement changes what runs since before that: no later attempt.
	if at := row.AttemptedAt.Add(time.Millisecond); at.After(p.StuckHorizon) {
		p.StuckHorizon = at
	}
}

// changed reports whether the row is as the statement left it, which spares jobs that
// ended, or were rescued by another process, since they were read.
func (v *verdicts) changed(row *rivertype.JobRow) bool {
	n := len(row.Errors)
	return n > 0 && row.State != rivertype.JobStateRunning &&
		row.Errors[n-1].Error == v.text && row.Errors[n-1].Attempt == row.Attempt
}
