package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
)

const (
	bulkPiece = 500 // jobs that one transaction changes
	bulkTries = 20  // of a piece that PostgreSQL took back as of a deadlock
)

// RequeueJobs requeues all jobs in the store that a filter selects. The filter has to name
// their states. The jobs change in pieces of 500, each in a transaction of its own, so that no
// lock is held for long and all else goes on. Each piece changes only jobs that the filter
// still selects. After a piece it calls progress, if that is not nil, on the goroutine of the
// caller.
//
// Done is how many were changed. Skipped is how many had changed meanwhile or were locked,
// wait for other jobs to end (see [After]), have a [Unique] key that a live job has, or were
// refused by the store. What was enqueued or tried after the call had begun is left alone, so
// a job that fails again at once is not requeued twice.
//
// It blocks until all is done or ctx is done. It returns an error if the filter makes no
// sense, if ctx is done, and if the store does not answer: then done of the jobs are changed.
func (q *Queue[T]) RequeueJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error) {
	return q.jobs.bulk(ctx, q.kind, bulkRequeue, f, progress, q.forget)
}

// CancelJobs is [Queue.Cancel] for all jobs in the store that a filter selects; see
// [Queue.RequeueJobs]. The handlers of running jobs are told within some 2 s, and count as done.
func (q *Queue[T]) CancelJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error) {
	return q.jobs.bulk(ctx, q.kind, bulkCancel, f, progress, q.forget)
}

// DiscardJobs is [Queue.Discard] for all jobs in the store that a filter selects; see
// [Queue.RequeueJobs].
func (q *Queue[T]) DiscardJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error) {
	return q.jobs.bulk(ctx, q.kind, bulkDiscard, f, progress, q.forget)
}

// forget has what is shown of the queue asked for anew.
func (q *Queue[T]) forget() {
	q.failures.forget()
	q.retrying.forget()
	q.jobs.counts.forget()
}

// bulkVerb is what is done to many jobs.
type bulkVerb struct {
	name  string
	done  string // in an error: "requeued"
	in    []rivertype.JobState
	guard string
	do    map[string]string // the statement on a list of IDs, by the kind of database
}

const notBlocked = "NOT (state = 'scheduled' AND scheduled_at >= '9999-01-01')"

var (
	bulkRequeue = bulkVerb{"requeue", "requeued", requeueStates, notBlocked, map[string]string{
		"postgres": `UPDATE river_job SET state = 'available', max_attempts = CASE WHEN attempt = max_attempts THEN max_attempts + 1 ELSE max_attempts END,
			finalized_at = NULL, metadata = metadata - 'cancel_attempted_at', scheduled_at = now() WHERE id IN (IDS)`,
		"sqlite": `UPDATE river_job SET state = 'available', max_attempts = CASE WHEN attempt = max_attempts THEN max_attempts + 1 ELSE max_attempts END,
			finalized_at = NULL, metadata = jsonb_remove(metadata, '$.cancel_attempted_at'), scheduled_at = datetime('now', 'subsec') WHERE id IN (IDS)`,
	}}
	bulkCancel = bulkVerb{"cancel", "canceled", unfinished, "", map[string]string{
		"postgres": `UPDATE river_job SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
			finalized_at = CASE WHEN state = 'running' THEN finalized_at ELSE now() END,
			metadata = jsonb_set(metadata, '{cancel_attempted_at}', to_jsonb(now()), true) WHERE id IN (IDS)`,
		"sqlite": `UPDATE river_job SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
			finalized_at = CASE WHEN state = 'running' THEN finalized_at ELSE datetime('now', 'subsec') END,
			metadata = jsonb_set(metadata, '$.cancel_attempted_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) WHERE id IN (IDS)`,
	}}
	bulkDiscard = bulkVerb{"discard", "discarded", discardStates, "", map[string]string{
		"postgres": "DELETE FROM river_job WHERE id IN (IDS)",
		"sqlite":   "DELETE FROM river_job WHERE id IN (IDS)",
	}}
)

// holdMany makes those of the jobs wait for their key that have one.
var holdMany = map[string]string{
	"postgres": "UPDATE river_job SET state = 'pending' WHERE state = 'available' AND metadata ? 'stead_key' AND id IN (IDS)",
	"sqlite":   "UPDATE river_job SET state = 'pending' WHERE state = 'available' AND json_extract(metadata, '$.stead_key') IS NOT NULL AND id IN (IDS)",
}

// idsOf are the IDs of a list that is the first argument.
var idsOf = map[string]string{
	"postgres": "SELECT value::bigint FROM json_array_elements_text($1::json)",
	"sqlite":   "SELECT value FROM json_each(?1)",
}

func (j *core) bulk(ctx context.Context, queue string, verb bulkVerb, f channelq.JobFilter, progress func(done, skipped int), forget func()) (done, skipped int, err error) {
	fail := func(err error) (int, int, error) {
		return done, skipped, fmt.Errorf("stead/durable: %s jobs of %q: %d %s so far: %w", verb.name, queue, done, verb.done, hint(err))
	}
	for _, s := range f.States {
		if s := rivertype.JobState(s); slices.Contains(rivertype.JobStates(), s) && !slices.Contains(verb.in, s) {
			return fail(fmt.Errorf("a job that is %s cannot be %s", s, verb.done))
		}
	}
	if len(f.States) == 0 {
		return fail(errNoStates)
	}
	w, err := j.walk(ctx, queue, f)
	if err != nil {
		return fail(err)
	}
	w.again = verb.name == bulkRequeue.name
	defer forget()
	for more := true; more; {
		var ids []int64
		if ids, more, err = w.next(ctx, lookRows); err != nil {
			return fail(err)
		}
		for piece := range slices.Chunk(ids, bulkPiece) {
			began := time.Now()
			n, err := j.bulkChange(ctx, w, verb, piece)
			if done += n; err != nil {
				return fail(err)
			}
			skipped += len(piece) - n
			if progress != nil {
				progress(done, skipped)
			}
			if j.engine.database() == "sqlite" { // which has one writer: the others have as long
				sleep(ctx, time.Since(began))
			}
			if ctx.Err() != nil {
				return fail(context.Cause(ctx))
			}
		}
	}
	return done, skipped, nil
}

// bulkChange changes a piece. One that the store refuses, as of a unique key that another job
// has, is split until only the job is left that is the cause.
func (j *core) bulkChange(ctx context.Context, w *walk, verb bulkVerb, piece []int64) (done int, err error) {
	changed, err := j.bulkTx(ctx, w, verb, piece)
	for try := 0; try < bulkTries && isConflict(err) && ctx.Err() == nil; try++ {
		sleep(ctx, keepPause)
		changed, err = j.bulkTx(ctx, w, verb, piece)
	}
	if err != nil && isRefusal(err) {
		if len(piece) == 1 {
			return 0, nil
		}
		half := len(piece) / 2
		if done, err = j.bulkChange(ctx, w, verb, piece[:half]); err != nil {
			return done, err
		}
		rest, err := j.bulkChange(ctx, w, verb, piece[half:])
		return done + rest, err
	}
	if err != nil {
		return 0, err
	}
	switch {
	case len(changed) == 0:
	case verb.name == bulkRequeue.name:
		j.freed(w.queue) // the engine announces none of them
	case verb.name == bulkCancel.name:
		if w.state != rivertype.JobStateRunning {
			j.recorder.canceled(w.queue, len(changed))
			j.recordNow(ctx)
		}
		for _, id := range changed {
			j.running.cancel(id, ErrCancelled)
		}
	}
	return len(changed), nil
}

// bulkTx changes those of a piece that the filter still selects and nobody has locked.
func (j *core) bulkTx(ctx context.Context, w *walk, verb bulkVerb, piece []int64) (changed []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, bulkWait)
	defer cancel()
	database := j.engine.database()
	tx, err := j.engine.executor().Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after a commit
	list, err := json.Marshal(piece)
	if err != nil {
		return nil, err
	}
	s := j.statement(w.f)
	s.arg(string(list))
	conditions := append(w.wanted(s), "id IN ("+idsOf[database]+")", "state = '"+string(w.state)+"'", "queue = "+s.arg(w.queue), "kind = "+s.arg(w.queue))
	if verb.guard != "" {
		conditions = append(conditions, verb.guard)
	}
	lock, array := "", "json_group_array(id)"
	if s.postgres {
		lock, array = " FOR UPDATE SKIP LOCKED", "COALESCE(json_agg(id), '[]')::text"
	}
	var ids string
	err = tx.QueryRow(ctx, "SELECT "+array+" FROM (SELECT id FROM river_job WHERE "+strings.Join(conditions, " AND ")+" ORDER BY id"+lock+") AS piece", s.args...).Scan(&ids)
	if err == nil {
		err = json.Unmarshal([]byte(ids), &changed)
	}
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	do := func(statement string) error {
		return tx.Exec(ctx, strings.ReplaceAll(statement, "IDS", idsOf[database]), ids)
	}
	err = do(verb.do[database])
	if err == nil && verb.name == bulkRequeue.name && j.keyed(w.queue) {
		err = do(holdMany[database])
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	return changed, err
}
