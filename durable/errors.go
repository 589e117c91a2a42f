package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
)

// ErrWorkOnly is what an enqueue fails with in mode [WorkOnly].
var ErrWorkOnly = errors.New("this process only works")

// ErrLost is the reason with which a job is given up whose process died, or was cut
// off from the store, in its last attempt.
var ErrLost = errors.New("the process died in the last attempt")

// ErrNotFound is wrapped by the error for a job that is not, or no longer, in the queue. For
// errors.Is it is an fs.ErrNotExist.
var ErrNotFound error = notFoundError{}

type notFoundError struct{}

func (notFoundError) Error() string        { return "there is no such job" }
func (notFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// ErrCancelled is the cause with which the context of a running job's handler is canceled
// when the job is, see [Queue.Cancel].
var ErrCancelled = errors.New("the job was canceled")

var errClosed = fmt.Errorf("the jobs have stopped: %w", channelq.ErrClosed)

// errNoStore is for jobs that were made for a test without a store.
var errNoStore = errors.New("these jobs have no store, see durabletest")

var errNoTables = errors.New("the store lacks tables that this program needs, run durable.Migrate first")

var errSessions = errors.New("a prepared statement is not where it was made: is there a pooler in transaction mode, " +
	"such as PgBouncer, before the server? Give the jobs a pool in session mode, or connect them to the server itself")

// hint says what to do about an error of the store that a stranger meets first:
// the engine names a table that nobody has heard of.
func hint(err error) error {
	var coded interface{ SQLState() string } // of PostgreSQL
	var missing bool
	switch {
	case err == nil:
		return nil
	case errors.As(err, &coded):
		if coded.SQLState() == "42P05" || coded.SQLState() == "26000" {
			return fmt.Errorf("%w: %w", errSessions, err)
		}
		missing = slices.Contains([]string{"42P01", "42703", "3F000"}, coded.SQLState()) // a table, a column, a schema
	default: // SQLite has one code for all errors in a statement
		missing = strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "no such column")
	}
	if missing {
		return fmt.Errorf("%w: %w", errNoTables, err)
	}
	return err
}

// isDuplicate reports whether the store refused what there may be once only.
func isDuplicate(err error) bool {
	var coded interface{ SQLState() string } // of PostgreSQL
	if errors.As(err, &coded) {
		return coded.SQLState() == "23505"
	}
	return err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// isConflict reports whether PostgreSQL took a transaction back because of others, such as
// in a deadlock. It may be repeated.
func isConflict(err error) bool {
	var coded interface{ SQLState() string }
	return errors.As(err, &coded) && strings.HasPrefix(coded.SQLState(), "40")
}

// The engine's own words in the errors that it stores.
const (
	enginePrefix    = "JobCancelError: "
	engineCancelled = "job cancelled remotely"
	engineRescued   = "Stuck job rescued by " // JobRescuer or Rescuer, by version
)

// isLost reports whether the text is of an attempt that the rescue found.
func isLost(text string) bool {
	return strings.HasPrefix(text, engineRescued) || strings.Contains(text, ErrLost.Error())
}

// plain is the text of an attempt's error as the engine stored it, without what
// only the engine means by it.
func plain(text string) string {
	if strings.HasPrefix(text, engineRescued) {
		return "the process died in this attempt, or was cut off from the store"
	}
	text = strings.ReplaceAll(text, enginePrefix, "")
	if text == engineCancelled {
		return ErrCancelled.Error()
	}
	return text
}

// RunningJob is a job whose handler did not return when it was canceled.
type RunningJob struct {
	ID       int64
	Queue    string
	Since    time.Time
	RescueAt time.Time // from then on the rescue of another process frees it, within 45 s
}

// RunningError is the error of a stop if handlers ignored that they were canceled.
type RunningError struct {
	Name string
	Jobs []RunningJob
}

// Error names each job and when it will be rescued.
func (e *RunningError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stead/durable: stop %q: %d still running:", e.Name, len(e.Jobs))
	for i, r := range e.Jobs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s job %d (rescued after %s)", r.Queue, r.ID, r.RescueAt.Format(time.RFC3339))
	}
	return b.String()
}

// Unwrap returns context.DeadlineExceeded.
func (e *RunningError) Unwrap() error { return context.DeadlineExceeded }
