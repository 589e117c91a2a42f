package hosted

import (
	"context"
	"fmt"
	"runtime/pprof"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/guard"
)

// call is one call into a service, on a goroutine of its own that carries the
// service's labels, so that the caller can leave it behind.
type call struct {
	unit  *unit
	op    string
	began time.Time
	done  chan struct{}
	err   error // set before done closes
	left  int   // it is back, and left this many calls of its own

	// Guarded by host.mu.
	back      bool // fn has returned
	abandoned bool // nobody waits for it any more
}

// call begins fn(ctx). then, which may be nil, gets the outcome on the call's
// goroutine before done closes, and whether the call had been abandoned.
func (u *unit) call(ctx context.Context, op string, fn func(context.Context) error, then func(err error, abandoned bool)) *call {
	c := &call{unit: u, op: op, began: time.Now(), done: make(chan struct{})}
	go func() {
		pprof.SetGoroutineLabels(ctx)
		guard.Run(func() error { return fn(ctx) }, func(err error) {
			c.err = err
			u.host.mu.Lock()
			c.back = true
			abandoned := c.abandoned
			u.host.mu.Unlock()
			if then != nil {
				then(err, abandoned) // it asks the error only through errs
			}
			close(c.done)
		})
	}()
	return c
}

// abandon gives a call up and notes it for the report, unless it has come back
// meanwhile: then it waits until its outcome is noted, so that no
// outcome is lost between the two.
func (h *Host) abandon(c *call) bool {
	h.mu.Lock()
	if !c.back {
		c.abandoned = true
		h.calls = append(h.calls, c)
		h.mu.Unlock()
		return true
	}
	h.mu.Unlock()
	<-c.done
	return false
}

// returned reports whether the call and what belongs to it has ended.
func (c *call) returned() bool { return closed(c.done) }

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// waitUntil reports whether done was closed by the deadline. A zero deadline
// waits for ever.
func waitUntil(done <-chan struct{}, deadline time.Time) bool {
	var a reusableTimer
	return a.wait(done, deadline)
}

// reusableTimer is one timer for many waits whose deadlines mostly get later. It stays
// set from wait to wait, and is set again only when it fires too early for the current
// wait: to set and stop a timer for each wait costs more than the wait.
type reusableTimer struct {
	timer *time.Timer
	at    time.Time // when it goes off; zero means it is not set
}

// wait reports whether done was closed by the deadline, as waitUntil does.
func (a *reusableTimer) wait(done <-chan struct{}, deadline time.Time) bool {
	if closed(done) {
		return true
	}
	if deadline.IsZero() {
		<-done
		return true
	}
	for {
		if (a.at.IsZero() || deadline.Before(a.at)) && !a.set(deadline) {
			return false
		}
		select {
		case <-done:
			return true
		case <-a.timer.C:
			a.at = time.Time{}
		}
	}
}

// set reports false if the deadline has passed.
func (a *reusableTimer) set(deadline time.Time) bool {
	left := time.Until(deadline)
	if left <= 0 {
		return false
	}
	a.at = deadline
	if a.timer == nil {
		a.timer = time.NewTimer(left)
	} else {
		a.timer.Reset(left)
	}
	return true
}

// await waits for a call of the start: until it is back, or its context and a
// grace after that have ended. Its own error comes first, the context's after it.
func (h *Host) await(ctx context.Context, c *call) error {
	select {
	case <-c.done:
		if c.err != nil && ctx.Err() != nil {
			return withCause(c.err, causeOf(ctx))
		}
		return c.err
	case <-ctx.Done():
	}
	cause := causeOf(ctx)
	if !h.inGrace(c.done) && h.abandon(c) {
		return cause
	}
	<-c.done
	if c.err == nil && !errs.Is(cause, context.DeadlineExceeded) {
		return nil // it is up; that the start goes no further is not its failure
	}
	return withCause(c.err, cause)
}

func withCause(err, cause error) error {
	if err == nil {
		return cause
	}
	if errs.Is(err, cause) {
		return err
	}
	if errs.Same(err, context.DeadlineExceeded) && errs.Is(cause, err) {
		return cause // which says whose deadline it was
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// inGrace reports whether done was closed within the grace of a call of the start.
// A stop that is asked for meanwhile may leave it less time.
func (h *Host) inGrace(done <-chan struct{}) bool {
	deadline := h.graceEnd()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return closed(done)
	case <-h.marks.Stopping:
	}
	if end := h.graceEnd(); end.Before(deadline) {
		deadline = end
	}
	return waitUntil(done, deadline)
}

// graceEnd is until when a call of the start whose context has just ended may
// still return. The grace is part of the budget if it was a stop that ended it.
func (h *Host) graceEnd() time.Time {
	grace := time.Second
	if t := h.cfg.ShutdownTimeout; t > 0 {
		grace = min(grace, t/4)
	}
	end := time.Now().Add(grace)
	if req := h.marks.Request(); req.Cause != nil {
		if stop := h.endOf(req); !stop.IsZero() && stop.Before(end) {
			end = stop
		}
	}
	return end
}
