package hosted

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// stopServices calls the stopping hooks, the stops and the stopped hooks.
func (h *Host) stopServices(end time.Time) {
	// The start has ended: neither units nor what is started changes any more.
	units := slices.Clone(h.units)
	slices.Reverse(units)
	var before, after []pendingHook
	for _, u := range units {
		if !u.started {
			continue
		}
		if run := hookOf(u, stoppingHook.Stopping); run != nil {
			before = append(before, pendingHook{u, "stopping", run})
		}
		if run := hookOf(u, stoppedHook.Stopped); run != nil {
			after = append(after, pendingHook{u, "stopped", run})
		}
	}
	turns := turnsOf(h.units, h.cfg.stopLimit())
	plan := newBudget(time.Now(), end, len(before)+turns.most()+len(after))
	h.mu.Lock()
	h.division = &plan
	h.mu.Unlock()
	for i, p := range before {
		h.stopHook(p, plan.turn(time.Now(), len(before)-i-1+turns.most()+len(after), 0))
	}
	// One after the other they have one timer, and the end of one turn is the beginning
	// of the next.
	var shared reusableTimer
	now := time.Now()
	parallel(units, turns.limit, (*unit).needed, (*unit).needs, func(u *unit, _ func()) bool {
		if !u.started {
			return true
		}
		turns.waiting.Add(-1)
		deadline := func(now time.Time) time.Time { return plan.turn(now, turns.toCome(u)+len(after), u.stopTimeout) }
		if turns.limit == 1 {
			now = u.stop(now, deadline(now), &shared)
		} else {
			now := time.Now()
			u.stop(now, deadline(now), &reusableTimer{})
		}
		return true
	})
	for i, p := range after {
		h.stopHook(p, plan.turn(time.Now(), len(after)-i-1, 0))
	}
}

// stop gives the service its turn, from now until deadline, and returns when it
// had ended.
func (u *unit) stop(now, deadline time.Time, timer *reusableTimer) time.Time {
	over := u.giveTurn(now, deadline, timer)
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	u.turned = true
	return over
}

func (u *unit) giveTurn(now, deadline time.Time, timer *reusableTimer) time.Time {
	h := u.host
	h.mu.Lock()
	if u.state != lifecycle.Completed && u.state != lifecycle.Failed {
		u.enterAtLocked(lifecycle.Stopping, now)
	}
	since := u.since
	u.turnEnd = deadline
	h.mu.Unlock()
	// Here and not in the call, which may not have begun when the turn has ended:
	// from now on an end is a clean one, and there are no more restarts.
	u.cancel(h.marks.Request().Cause)
	if u.loop != nil {
		// Most loops end at once, and then there is nothing to wait for.
		runtime.Gosched()
		if !timer.wait(u.done, deadline) {
			h.abandon(&call{unit: u, op: "stop", began: since, done: u.done})
			return time.Now()
		}
		if u.since.After(now) { // written by its goroutine, which has ended
			return u.since
		}
		return now
	}
	ctx, release := u.until(deadline)
	defer release()
	c := u.call(ctx, "stop", func(ctx context.Context) error {
		if u.done != nil {
			<-u.done // its supervisor may be in the middle of a restart
		}
		return u.service.Stop(ctx)
	}, func(err error, _ bool) { u.stopReturned(err, now) })
	if !timer.wait(c.done, deadline) {
		<-ctx.Done() // it is due too, and release must not end it as canceled
		h.abandon(c)
	}
	return time.Now()
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
	last := u.err
	u.host.mu.Unlock()
	return errs.Is(last, err)
}

func (h *Host) failAtStop(u *unit, op string, err error) {
	failed := note(u.name, op, err)
	h.mu.Lock()
	tooLate := h.phase == ended
	if !tooLate {
		h.failures = append(h.failures, failed)
	}
	h.mu.Unlock()
	if tooLate {
		return
	}
	level := slog.LevelError
	if failed.timeout || u.leavesCalls() {
		level = slog.LevelWarn // a straggler is one line of Error, its own
	}
	h.log.Log(context.Background(), level, "service did not stop cleanly", append(failure(u, err), "op", op)...)
}

// leavesCalls says whether calls of the service's own are on, as the ones that its Stop
// could not end.
func (u *unit) leavesCalls() bool {
	if u.loop != nil {
		return false
	}
	s, ok := find[stuck](u)
	if !ok {
		return false
	}
	wait := overrunLimit
	if end := u.host.endOf(u.host.marks.Request()); !end.IsZero() {
		wait = min(wait, time.Until(end.Add(overrunLimit))) // of all who are asked, not of each
	}
	if wait <= 0 {
		return false
	}
	n, err := within(wait, s.Stuck) // the turn may be over, and then nobody bounds this
	return err == nil && n > 0
}

// until is a context for a call of the stop: the service's values and labels,
// and a deadline.
func (u *unit) until(deadline time.Time) (context.Context, context.CancelFunc) {
	if deadline.IsZero() {
		return context.WithCancel(u.finishing())
	}
	return context.WithDeadline(u.finishing(), deadline)
}
