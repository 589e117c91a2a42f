package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/riverqueue/river/rivertype"
)

// The states in which a job can be requeued, and so on. A job can be canceled as long as
// it is unfinished.
var (
	requeueStates    = []rivertype.JobState{rivertype.JobStateCompleted, rivertype.JobStateScheduled, rivertype.JobStateRetryable, rivertype.JobStateDiscarded, rivertype.JobStateCancelled}
	discardStates    = []rivertype.JobState{rivertype.JobStateCompleted, rivertype.JobStateDiscarded, rivertype.JobStateCancelled}
	rescheduleStates = []rivertype.JobState{rivertype.JobStateScheduled, rivertype.JobStateRetryable, rivertype.JobStateAvailable, rivertype.JobStatePending}
)

// subject is a job that a call changes, and what it has to be.
type subject struct {
	verb string
	id   int64
	kind string                         // of its queue; empty if any
	in   []rivertype.JobState           // its state is one of these; nil if any
	is   func(*rivertype.JobRow) string // returns why it is not what it has to be; nil if it is

	unread bool // it may be one that cannot be read as a whole
}

// check returns why the job is not what it has to be.
func (s subject) check(row *rivertype.JobRow) error {
	switch {
	case s.kind != "" && row.Kind != s.kind:
		return ErrNotFound
	case s.in != nil && !slices.Contains(s.in, row.State):
		return fmt.Errorf("it is %s now", row.State)
	case s.is != nil:
		if why := s.is(row); why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// rowLock are the statements that hold the row of a job until the end of the transaction.
// One that changes nothing takes the lock on the file that SQLite has in its place.
var rowLock = map[string]string{
	"postgres": "SELECT 1 FROM river_job WHERE id = $1 FOR UPDATE",
	"sqlite":   "UPDATE river_job SET kind = kind WHERE id = ?1",
}

// settle does something to a job if it is what it has to be, in one transaction that holds
// its row: of two who do so at once the second finds what the first has made of it.
func (j *core) settle(ctx context.Context, s subject, do func(ctx context.Context, tx any, row *rivertype.JobRow) error) error {
	client, err := j.connected()
	if err != nil {
		return err
	}
	err = j.engine.inTx(ctx, func(tx any) error {
		exec := j.engine.executorTx(tx)
		if err := exec.Exec(ctx, rowLock[j.engine.database()], s.id); err != nil {
			return err
		}
		rows, bad, err := j.rows(ctx, exec, []int64{s.id})
		switch {
		case err != nil:
			return err
		case len(rows) == 0:
			return ErrNotFound
		}
		if err := s.check(rows[0]); err != nil {
			return err
		}
		if why := bad[s.id]; why != nil && !s.unread {
			return why
		}
		return do(ctx, tx, rows[0])
	})
	if isDuplicate(err) {
		err = j.heldBy(ctx, client, s.id, err)
	}
	if err != nil {
		of := ""
		if s.kind != "" {
			of = fmt.Sprintf(" of queue %q", s.kind)
		}
		return fmt.Errorf("stead/durable: %s job %d%s: %w", s.verb, s.id, of, hint(err))
	}
	return nil
}

// requeue makes a job available, or lets it wait for its key, with one attempt more if it
// had used all.
func (j *core) requeue(ctx context.Context, s subject) error {
	var keyed string
	err := j.settle(ctx, s, func(ctx context.Context, tx any, row *rivertype.JobRow) error {
		_, err := j.engine.retryTx(ctx, tx, row.ID)
		if err == nil && noteOf(row.Metadata).Key != "" && j.keyed(row.Queue) {
			keyed = row.Queue
			err = j.engine.executorTx(tx).Exec(ctx, dialects[j.engine.database()].hold, row.ID)
		}
		return err
	})
	if err == nil && keyed != "" {
		j.freed(keyed)
	}
	return err
}

// cancel ends a waiting job, and cancels the context of a running one.
func (j *core) cancel(ctx context.Context, s subject) error {
	var row *rivertype.JobRow
	err := j.settle(ctx, s, func(ctx context.Context, tx any, _ *rivertype.JobRow) (err error) {
		row, err = j.engine.cancelTx(ctx, tx, s.id)
		return err
	})
	if err == nil {
		// The engine tells a running job only where the store announces things.
		j.running.cancel(s.id, ErrCancelled)
		j.recorder.note(row) // one that waited has ended
		j.recordNow(ctx)
	}
	return err
}

// discard deletes a job that is not running. The engine's own statement would read it.
func (j *core) discard(ctx context.Context, s subject) error {
	s.unread = true
	return j.settle(ctx, s, func(ctx context.Context, tx any, row *rivertype.JobRow) error {
		if row.State == rivertype.JobStateRunning {
			return rivertype.ErrJobRunning
		}
		return j.engine.executorTx(tx).Exec(ctx, deleteRow[j.engine.database()], row.ID)
	})
}

var deleteRow = map[string]string{
	"postgres": "DELETE FROM river_job WHERE id = $1",
	"sqlite":   "DELETE FROM river_job WHERE id = ?1",
}
