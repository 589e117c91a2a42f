package periodic

import (
	"context"
	"errors"
	"fmt"
)

// ErrAgain is what a job's function returns, alone or wrapped, when it did its
// work and there is more: it is run again at once, for the same slot, as a
// successful run. Polling a table in batches is the use.
var ErrAgain = errors.New("stead/periodic: run again at once")

// Errors of the methods.
var (
	// ErrNotRunning: the job was not started, was stopped or removed, or its
	// schedule has ended.
	ErrNotRunning = errors.New("not running")

	// ErrStarted: the job or scheduler is running already, or the job belongs to
	// a scheduler.
	ErrStarted = errors.New("already started")

	// ErrOverlap: a run is on, and the job's Overlap policy has no place for
	// another.
	ErrOverlap = errors.New("a run is on")

	// ErrStopped: the ticker was stopped.
	ErrStopped = errors.New("stopped")

	// ErrWaiting: another goroutine waits for the ticker.
	ErrWaiting = errors.New("another wait is on")
)

// Causes of the end of a run's context, for [context.Cause].
var (
	// ErrReplaced: a newer slot took the place of the run.
	ErrReplaced = errors.New("stead/periodic: run replaced by a newer one")

	// ErrRemoved: the job was removed from its scheduler.
	ErrRemoved = errors.New("stead/periodic: job removed")

	// ErrStopping: the job is being stopped and the time for that is nearly over.
	ErrStopping = errors.New("stead/periodic: job is stopping")

	// ErrGaveUp: the job gave up after too many failures. It is also in the error
	// of Err and Health.
	ErrGaveUp = errors.New("stead/periodic: gave up")

	// ErrTimeout: the run was on for longer than Config.Timeout. It is a
	// context.DeadlineExceeded.
	ErrTimeout = fmt.Errorf("stead/periodic: run timed out: %w", context.DeadlineExceeded)
)

// opError is err with the package, the verb and the name of the job.
func opError(verb, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stead/periodic: %s %q: %w", verb, name, err)
}
