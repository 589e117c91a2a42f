package hosted

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// stopServices calls the stopping hooks, the stops and the stopped hooks.
func (h *Host) stopServices(end time.Time) {
	h.mu.Lock()
	var units []*unit
	for _, u := range h.units {
		if u.started {
			units = append(units, u)
		}
	}
	h.mu.Unlock()
	slices.Reverse(units)
	var before, after []pendingHook
	for _, u := range units {
		if run := hookOf(u, stoppingHook.Stopping); run != nil {
			before = append(before, pendingHook{u, "stopping", run})
		}
		if run := hookOf(u, stoppedHook.Stopped); run != nil {
			after = append(after, pendingHook{u, "stopped", run})
		}
	}
	sequential := h.cfg.StartConcurrency <= 1
	turns := len(units)
	if !sequential {
		turns = chain(units)
	}
	plan := newBudget(end, len(before)+turns+len(after))
	for i, p := range before {
		h.stopHook(p, plan.turn(len(before)-i-1+turns+len(after), 0))
	}
	if sequential {
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		for i, u := range units {
			u.stop(plan.turn(len(units)-i-1+len(after), u.stopTimeout), timer)
		}
	} else {
		started := func(us []*unit) []*unit {
			return slices.DeleteFunc(slices.Clone(us), func(u *unit) bool { return !u.started })
		}
		sideBySide(units, 0,
			func(u *unit) []*unit { return started(u.needed()) },
			func(u *unit) []*unit { return started(u.needs()) },
			func(u *unit) bool {
				u.stop(plan.turn(u.depth()+len(after), u.stopTimeout), nil)
				return true
			})
	}
	for i, p := range after {
		h.stopHook(p, plan.turn(len(after)-i-1, 0))
	}
}

// stop gives the service its turn, until deadline.
func (u *unit) stop(deadline time.Time, timer *time.Timer) {
	h := u.host
	cause := h.marks.Request().Cause
	h.mu.Lock()
	if u.state != lifecycle.Completed && u.state != lifecycle.Failed {
		u.enterLocked(lifecycle.Stopping)
	}
	since := u.since
	h.mu.Unlock()
	// Here and not in the call, which may not have begun when the turn is over:
	// from now on an end is a clean one, and there are no more restarts.
	u.cancel(cause)
	if u.loop != nil {
		if !waitUntil(u.done, deadline, timer) {
			h.abandon(&call{unit: u, op: "stop", began: since, done: u.done})
		}
		return
	}
	began := time.Now() // not since, which is long ago for one that ended by itself
	ctx, release := u.until(deadline)
	defer release()
	c := u.call(ctx, "stop", func(ctx context.Context) error {
		if u.done != nil {
			<-u.done // its supervisor may be in the middle of a restart
		}
		return u.service.Stop(ctx)
	}, func(err error, _ bool) { u.stopReturned(err, began) })
	if !waitUntil(c.done, deadline, timer) {
		<-ctx.Done() // it is due too, and release must not end it as cancelled
		h.abandon(c)
	}
}

func (u *unit) stopReturned(err error, began time.Time) {
	h := u.host
	if err != nil && u.stateNow() == lifecycle.Failed && u.endedAs(err) {
		err = nil // it went to the policy then
	}
	if err != nil {
		h.failAtStop(u, "stop", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase == ended {
		return // the result is out
	}
	u.stopTook = time.Since(began)
	switch {
	case err != nil:
		u.err = err
		u.enterLocked(lifecycle.Failed)
	case u.state != lifecycle.Completed && u.state != lifecycle.Failed:
		u.enterLocked(lifecycle.Stopped)
	}
}

// endedAs says whether the last failure of the service was this very error, which
// many a Stop returns again.
func (u *unit) endedAs(err error) bool {
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	return errors.Is(u.err, err)
}

func (h *Host) failAtStop(u *unit, op string, err error) {
	h.mu.Lock()
	tooLate := h.phase == ended
	if !tooLate {
		h.failures = append(h.failures, &ServiceError{Service: u.name, Op: op, Err: err})
	}
	h.mu.Unlock()
	if !tooLate {
		h.log.Error("service did not stop cleanly", append(failure(u, err), "op", op)...)
	}
}

// until is a context for a call of the stop: the service's values and labels,
// and a deadline.
func (u *unit) until(deadline time.Time) (context.Context, context.CancelFunc) {
	if deadline.IsZero() {
		return context.WithCancel(&u.base)
	}
	return context.WithDeadline(&u.base, deadline)
}
