package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/lifecycle"
)

// manageWait bounds what a person does on a page, which has no context of its own.
const manageWait = 5 * time.Second

// maxListed is how many jobs a page shows of one kind.
const maxListed = 100

// Jobs lists at most a hundred jobs of this queue in one state, the newest first: the
// last to end, or else the last to be enqueued. It is empty for a state that does not
// exist and when the store does not answer within 5 s. A running one whose process was
// not seen for a minute has the time at which it is rescued. The Item of one that does
// not decode as a T is its JSON, a string: so it is too in Failures and Retrying.
func (q *Queue[T]) Jobs(state string) []channelq.StoredJob {
	list, _, err := q.JobsPage(state, "")
	if err != nil {
		q.jobs.log.Warn("jobs cannot be listed", slog.String("queue", q.kind), slog.Any("error", err))
	}
	return list
}

// JobsPage lists jobs as Jobs does, from behind a place on: "" for the newest hundred,
// and then what it returned as next, which is "" when there are no more. It returns an
// error if the store does not answer within 5 s, and for a place that it has not
// returned. It is [Queue.FindJobs] of one state, for as long as a page is not full.
func (q *Queue[T]) JobsPage(state, after string) (list []channelq.StoredJob, next string, err error) {
	if !slices.Contains(rivertype.JobStates(), rivertype.JobState(state)) {
		return nil, "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	marks, next, err := q.jobs.fullPage(ctx, q.kind, rivertype.JobState(state), after)
	if err == nil {
		list, _, err = q.stored(ctx, marks)
	}
	if err != nil {
		return nil, "", fmt.Errorf("stead/durable: list jobs of %q: %w", q.kind, hint(err))
	}
	return list, next, nil
}

// stored is what a page shows of jobs, and their rows.
func (q *Queue[T]) stored(ctx context.Context, marks []mark) ([]channelq.StoredJob, []*rivertype.JobRow, error) {
	rows, bad, err := q.jobs.rows(ctx, q.jobs.engine.executor(), idsOfMarks(marks))
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	deserted := q.jobs.deserted(ctx, rows)
	list := make([]channelq.StoredJob, len(rows))
	for i, row := range rows {
		k := channelq.StoredJob{
			RescueAt: deserted[row.ID],
			ID:       row.ID, State: string(row.State), Attempts: row.Attempt, MaxAttempts: row.MaxAttempts, At: row.ScheduledAt,
			CanCancel:  slices.Contains(unfinished, row.State),
			CanRequeue: slices.Contains(requeueStates, row.State),
			CanDiscard: slices.Contains(discardStates, row.State),
		}
		switch {
		case row.FinalizedAt != nil:
			k.At = *row.FinalizedAt
		case row.State == rivertype.JobStateRunning && row.AttemptedAt != nil:
			k.At = *row.AttemptedAt
		case isBlocked(row):
			k.At = time.Time{}
		}
		if n := len(row.Errors); n > 0 {
			k.Err = errors.New(plain(row.Errors[n-1].Error))
		}
		if why := bad[row.ID]; why != nil {
			k.Err = why
		}
		k.Item = q.itemOf(row)
		list[i] = k
	}
	return list, rows, nil
}

// deserted are those of the rows whose process was not seen for a minute, with when
// the rescue frees them. A store that does not say who lives says nothing of that.
func (j *core) deserted(ctx context.Context, rows []*rivertype.JobRow) map[int64]time.Time {
	isRunning := func(row *rivertype.JobRow) bool {
		return row.State == rivertype.JobStateRunning && row.AttemptedAt != nil && len(row.AttemptedBy) > 0
	}
	if !slices.ContainsFunc(rows, isRunning) {
		return nil
	}
	missing, err := j.store.Missing(ctx)
	if err != nil {
		return nil
	}
	found := map[int64]time.Time{}
	for _, row := range rows {
		if !isRunning(row) {
			continue
		}
		for _, m := range missing {
			if m.ID == row.AttemptedBy[len(row.AttemptedBy)-1] && j.isGone(m, time.Minute) {
				found[row.ID] = row.AttemptedAt.Add(j.horizonOf(m))
			}
		}
	}
	return found
}

// Failures lists the last hundred jobs of this queue that gave up or could not be decoded
// (see Jobs), the newest first, from the store. The error of one that was canceled by hand
// is expected (see lifecycle.IsExpected): these are listed as far as there is room, so
// that they hide none of the others. JobsPage has those before. It is at most a second
// old, older when the store does not answer.
func (q *Queue[T]) Failures() []channelq.Failure {
	if !q.jobs.inUse() {
		return nil
	}
	return q.failures.look(func(ctx context.Context) ([]channelq.Failure, error) {
		marks, err := q.jobs.newestFailures(ctx, q.kind)
		if err != nil {
			return nil, err
		}
		stored, rows, err := q.stored(ctx, marks)
		list := make([]channelq.Failure, len(stored))
		for i, k := range stored {
			if k.Err == nil {
				k.Err = errors.New("canceled")
			}
			if isCanceled(rows[i]) {
				k.Err = lifecycle.Expected(k.Err)
			}
			list[i] = channelq.Failure{ID: k.ID, Item: k.Item, Err: k.Err, Attempts: k.Attempts, At: k.At}
		}
		return list, err
	})
}

// Retrying lists the hundred jobs of this queue that failed and whose next attempt is
// the soonest, the soonest first; like Failures.
func (q *Queue[T]) Retrying() []channelq.Retrying {
	if !q.jobs.inUse() {
		return nil
	}
	return q.retrying.look(func(ctx context.Context) ([]channelq.Retrying, error) {
		soonest, err := q.jobs.look(ctx, q.jobs.soonest(q.kind, rivertype.JobStateRetryable))
		if err != nil {
			return nil, err
		}
		stored, _, err := q.stored(ctx, soonest.marks)
		list := make([]channelq.Retrying, len(stored))
		for i, k := range stored {
			list[i] = channelq.Retrying{ID: k.ID, Item: k.Item, Err: k.Err, Attempts: k.Attempts, Due: k.At}
		}
		return list, err
	})
}

// Pause keeps all processes from taking jobs of this queue until Resume; what runs
// goes on, and enqueueing too. It is remembered in the store until then, however long no
// process works the queue, and even if none ever has. The error is logged if the store
// does not answer within 5 s; a caller that needs it uses QueuePause of Client.
func (q *Queue[T]) Pause() { q.control("pause", riverClient.QueuePause) }

// Resume undoes Pause.
func (q *Queue[T]) Resume() { q.control("resume", riverClient.QueueResume) }

func (q *Queue[T]) control(verb string, do func(riverClient, context.Context, string, *river.QueuePauseOpts) error) {
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	client, err := q.jobs.connected()
	if err == nil { // it may be that no process has worked the queue yet, or for long
		err = q.jobs.knowQueue(ctx, q.kind)
	}
	if err == nil {
		err = do(client, ctx, q.kind, nil)
	}
	q.paused.forget()
	if err != nil {
		q.jobs.log.Error("queue not changed", slog.String("queue", q.kind), slog.String("verb", verb), slog.Any("error", err))
	}
}

// Paused reports what the store says; false as long as no process has ever worked
// the queue. It is at most a second old, older when the store does not answer.
func (q *Queue[T]) Paused() bool {
	return q.jobs.inUse() && q.paused.look(func(ctx context.Context) (bool, error) {
		client, err := q.jobs.connected()
		if err != nil {
			return false, err
		}
		queue, err := client.QueueGet(ctx, q.kind)
		if errors.Is(err, river.ErrNotFound) {
			return false, nil
		}
		return err == nil && queue.PausedAt != nil, err
	})
}
