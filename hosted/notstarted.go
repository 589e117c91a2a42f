package hosted

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// abortCause says why a start without a failure of its own did not finish.
func (h *Host) abortCause(ctx context.Context) error {
	cause := h.marks.Request().Cause
	if cause == nil {
		cause = causeOf(ctx)
	}
	err := fmt.Errorf("stead/hosted: start %q: %w: %w", h.cfg.Name, context.Canceled, cause)
	if errs.Is(cause, context.Canceled) || errs.Is(cause, context.DeadlineExceeded) {
		err = fmt.Errorf("stead/hosted: start %q: %w", h.cfg.Name, cause)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failures) == 0 {
		h.failures = append(h.failures, noted{error: err})
	}
	return h.failures[0].error
}

// noteInterrupted finds out whether the start ended only because a stop was requested
// to: what it returned so far says no more than that. It is called before the host
// itself asks for the stop.
func (h *Host) noteInterrupted(ctx context.Context) {
	why := h.marks.Request().Cause
	if why == nil && errors.Is(ctx.Err(), context.Canceled) {
		why = context.Cause(ctx)
	}
	h.mu.Lock()
	failures := slices.Clone(h.failures)
	h.mu.Unlock()
	if why == nil || slices.ContainsFunc(failures, func(f noted) bool { return errs.Same(f.error, why) || !isCancel(f.error, why) }) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interrupted = len(failures)
}

func (u *unit) failedToStartLocked(err error) {
	u.err = err
	u.startTook = time.Since(u.since)
	u.enterLocked(lifecycle.Failed)
}

// goWithout notes that the start goes on without a service that was optional.
func (u *unit) goWithout(err error) {
	h := u.host
	h.mu.Lock()
	u.failedToStartLocked(err)
	u.absent = true
	u.loopEndedLocked()
	h.mu.Unlock()
	h.log.Error("service not started", append(failure(u, err), "optional", true)...)
}

func (u *unit) isAbsent() bool {
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	return u.absent
}

// rollBack stops what had started and returns the whole error.
func (h *Host) rollBack(cause error) error {
	if h.interrupted > 0 { // written by this goroutine
		h.log.Info("host start canceled", "cause", cause)
	} else {
		h.log.Error("host not started", failureOf("error", cause)...)
	}
	h.marks.RequestStop(cause, time.Time{}) // from here on the budget runs
	h.shutdown()
	return h.result
}

// fail notes an error for the result.
func (h *Host) fail(n noted) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = append(h.failures, n)
}
