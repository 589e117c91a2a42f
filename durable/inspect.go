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
// returned.
func (q *Queue[T]) JobsPage(state, after string) (list []channelq.StoredJob, next string, err error) {
	s := rivertype.JobState(state)
	if !slices.Contains(rivertype.JobStates(), s) {
		return nil, "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	rows, err := q.newest(ctx, s, maxListed+1, after)
	if err != nil {
		return nil, "", fmt.Errorf("stead/durable: list jobs of %q: %w", q.kind, err)
	}
	if len(rows) > maxListed {
		rows = rows[:maxListed]
		next = placeOf(rows[maxListed-1])
	}
	return q.kept(ctx, rows), next, nil
}

// newest lists the jobs in a state behind a place, so that an index finds them: not by
// their kind, of which most may have been completed, but by their queue, which is
// called the same.
func (q *Queue[T]) newest(ctx context.Context, state rivertype.JobState, limit int, after string) ([]*rivertype.JobRow, error) {
	by := river.JobListOrderByID
	if slices.Contains(discardStates, state) {
		by = river.JobListOrderByFinalizedAt
	}
	params := river.NewJobListParams().Queues(q.kind).States(state).First(limit).OrderBy(by, river.SortOrderDesc)
	if after != "" {
		row, err := rowAt(after)
		if err != nil {
			return nil, err
		}
		row.State = state
		params = params.After(river.JobListCursorFromJob(row))
	}
	return q.list(ctx, params)
}

// placeOf is what a page that ends with a job ends with.
func placeOf(row *rivertype.JobRow) string {
	var ended int64
	if row.FinalizedAt != nil {
		ended = row.FinalizedAt.UnixNano()
	}
	return fmt.Sprintf("%d-%d", row.ID, ended)
}

// rowAt is as much of that job as a cursor needs.
func rowAt(place string) (*rivertype.JobRow, error) {
	var id, ended int64
	if _, err := fmt.Sscanf(place, "%d-%d", &id, &ended); err != nil {
		return nil, fmt.Errorf("there is no page behind %q", place)
	}
	at := time.Unix(0, ended).UTC()
	return &rivertype.JobRow{ID: id, FinalizedAt: &at}, nil
}

func (q *Queue[T]) kept(ctx context.Context, rows []*rivertype.JobRow) []channelq.StoredJob {
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
		k.Item = q.itemOf(row)
		list[i] = k
	}
	return list
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

// Failures lists the last hundred jobs of this queue that gave up, were canceled, or
// could not be decoded (see Jobs), the newest first, from the store. JobsPage has those
// before. It is at most a second old, older when the store does not answer.
func (q *Queue[T]) Failures() []channelq.Failure {
	if !q.jobs.inUse() {
		return nil
	}
	return q.failures.look(func(ctx context.Context) ([]channelq.Failure, error) {
		var rows []*rivertype.JobRow
		for _, state := range failedStates {
			some, err := q.newest(ctx, state, maxListed, "")
			if err != nil {
				return nil, err
			}
			rows = append(rows, some...)
		}
		slices.SortStableFunc(rows, func(a, b *rivertype.JobRow) int { return b.FinalizedAt.Compare(*a.FinalizedAt) })
		kept := q.kept(ctx, rows[:min(len(rows), maxListed)])
		list := make([]channelq.Failure, len(kept))
		for i, k := range kept {
			list[i] = channelq.Failure{ID: k.ID, Item: k.Item, Err: k.Err, Attempts: k.Attempts, At: k.At}
			if k.Err == nil {
				list[i].Err = lifecycle.Expected(errors.New("canceled")) // by a person or the program
			}
		}
		return list, nil
	})
}

// Retrying lists the hundred jobs of this queue that failed and whose next attempt is
// the soonest, the soonest first; like Failures.
func (q *Queue[T]) Retrying() []channelq.Retrying {
	if !q.jobs.inUse() {
		return nil
	}
	return q.retrying.look(func(ctx context.Context) ([]channelq.Retrying, error) {
		rows, err := q.list(ctx, river.NewJobListParams().Queues(q.kind).States(rivertype.JobStateRetryable).
			First(maxListed).OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc))
		kept := q.kept(ctx, rows)
		list := make([]channelq.Retrying, len(kept))
		for i, k := range kept {
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
