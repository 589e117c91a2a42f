package periodic

import (
	"context"
	"errors"
	"fmt"
)

// ErrAgain is returned by the function of a job, alone or wrapped, if it did its
// work and there is more. The run counts as successful, and the function is called
// again at once for the same slot. An example is polling a table in batches.
var ErrAgain = errors.New("stead/periodic: run again at once")

// Errors that the methods wrap, together with the name of the job.
var (
	// ErrNotRunning means that the job is not started, was stopped or removed, or
	// that its schedule has ended, or that the ticker was stopped.
	ErrNotRunning = errors.New("not running")

	// ErrOverlap means that a run is running and the Overlap policy has no place
	// for another.
	ErrOverlap = errors.New("a run is already running")
)

// Causes with which the context of a run is canceled, see [context.Cause].
var (
	// ErrStopping means that the job is stopping and its time is nearly over, or
	// that it was removed from its scheduler.
	ErrStopping = errors.New("stead/periodic: job is stopping")

	// ErrTimeout means that the run took longer than Config.Timeout. It wraps
	// context.DeadlineExceeded.
	ErrTimeout = fmt.Errorf("stead/periodic: run timed out: %w", context.DeadlineExceeded)

	// ErrReplaced means that a newer slot replaced the run.
	ErrReplaced = errors.New("stead/periodic: run replaced by a newer one")

	// ErrGaveUp is the cause of a run that was canceled because a parallel run
	// reached Config.GiveUpAfter. Err and Health wrap it too.
	ErrGaveUp = errors.New("stead/periodic: gave up")
)

var (
	errForeign = errors.New("the job belongs to a scheduler, which starts and stops it")
	errWaiting = errors.New("another goroutine waits")
	errRemoved = fmt.Errorf("%w: it was removed from its scheduler", ErrStopping)
)

// opError adds the package, the verb and the name of the job to err.
func opError(verb, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stead/periodic: %s %q: %w", verb, name, err)
}
