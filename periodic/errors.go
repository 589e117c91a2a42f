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

// Errors of the methods, inside others that say which job it was.
var (
	// ErrNotRunning: the job was not started, was stopped or removed, or its
	// schedule has ended; the ticker was stopped.
	ErrNotRunning = errors.New("not running")

	// ErrOverlap: a run is on, and the job's Overlap policy has no place for
	// another.
	ErrOverlap = errors.New("a run is on")
)

// Causes of the end of a run's context, for [context.Cause].
var (
	// ErrStopping: the job is being stopped and the time for that is nearly over,
	// or it was removed from its scheduler.
	ErrStopping = errors.New("stead/periodic: job is stopping")

	// ErrTimeout: the run was on for longer than Config.Timeout. It is a
	// context.DeadlineExceeded.
	ErrTimeout = fmt.Errorf("stead/periodic: run timed out: %w", context.DeadlineExceeded)

	// ErrReplaced: a newer slot took the place of the run.
	ErrReplaced = errors.New("stead/periodic: run replaced by a newer one")

	// ErrGaveUp: the job gave up after too many failures while this run was on
	// beside the one that failed. It is also in the error of Err and Health.
	ErrGaveUp = errors.New("stead/periodic: gave up")
)

var (
	errForeign = errors.New("the job belongs to a scheduler, which starts and stops it")
	errWaiting = errors.New("another goroutine waits")
	errRemoved = fmt.Errorf("%w: it was removed from its scheduler", ErrStopping)
)

// opError is err with the package, the verb and the name of the job.
func opError(verb, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stead/periodic: %s %q: %w", verb, name, err)
}
