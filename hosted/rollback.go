package hosted

import (
	"context"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/errs"
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

// rollBack stops what had started and returns the whole error.
func (h *Host) rollBack(cause error) error {
	if errs.Is(cause, context.Canceled) {
		h.log.Info("host start cancelled", "cause", cause)
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
