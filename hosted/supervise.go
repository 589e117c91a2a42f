package hosted

import (
	"context"
	"errors"
	"runtime/pprof"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

var errAllDone = errors.New("stead/hosted: every loop has completed")

// runLoop is the goroutine of a loop, for one run of its function.
func (u *unit) runLoop() {
	pprof.SetGoroutineLabels(&u.base)
	guard.Run(func() error { return u.loop.run(u.ctx) }, func(err error) {
		if !u.host.decide(u, err) {
			close(u.done)
			return
		}
		// A goroutine of its own, as this one may be ending with a Goexit.
		go func() {
			if !u.backOff() {
				close(u.done)
				return
			}
			u.host.mu.Lock()
			if u.state == lifecycle.Restarting { // and not in its turn to stop
				u.enterLocked(u.upState())
			}
			u.host.mu.Unlock()
			u.runLoop()
		}()
	})
}

// supervise is the goroutine of a service that can end by itself.
func (u *unit) supervise(e ender) {
	guard.Run(func() error { return u.watch(e) }, func(err error) {
		if err != nil {
			u.host.decide(u, &finalError{err}) // its Done or Err panicked
		}
		close(u.done)
	})
}

func (u *unit) watch(e ender) error {
	for {
		select {
		case <-e.Done():
		case <-u.ctx.Done():
			// Its Stop waits for this goroutine, so a service that is done by
			// now ended by itself, and why must not be lost.
			select {
			case <-e.Done():
			default:
				return nil
			}
		}
		var err error
		if f, ok := e.(errer); ok {
			err = f.Err()
			guard.Inspect(err) // here a panic is caught
		}
		for u.host.decide(u, err) {
			if !u.backOff() {
				return nil
			}
			if err = u.renew(); err == nil {
				break
			}
		}
		var ok bool
		if e, ok = find[ender](u); !ok || u.stateNow() != lifecycle.Running {
			return nil
		}
	}
}

// decide says what the end of a loop or of a service means and reports whether
// it is to be started again.
//
// The ordinary end is apart from the others: with their frames on top, the little
// stack that a loop's goroutine begins with has to grow, which costs more than the
// rest of the stop.
func (h *Host) decide(u *unit, err error) bool {
	if u.ctx.Err() == nil || err != nil && err != context.Canceled { //nolint:errorlint // the rest is asked in decideFailure
		return h.decideFailure(u, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if u.state == lifecycle.Starting { // a loop that was not ready yet: the start decides
		u.err = err
	} else {
		u.stoppedInTurnLocked()
	}
	return false
}

func (h *Host) decideFailure(u *unit, err error) bool {
	if h.toldToEnd(err) {
		err = nil
	}
	if err == nil && u.runsAgain() {
		err = errReturned
	}
	f := u.ask(err)
	h.mu.Lock()
	for f.atStop != (u.ctx.Err() != nil) { // its turn has come meanwhile
		h.mu.Unlock()
		f = u.ask(err)
		h.mu.Lock()
	}
	if f.panicked {
		u.panics++
	}
	switch {
	case u.state == lifecycle.Starting: // a loop that was not ready yet: the start decides
		u.err = err
		if err == nil && u.ctx.Err() == nil {
			u.completeLocked()
		}
		h.mu.Unlock()
		return false
	case f.atStop:
		news := u.endedInTurnLocked(err, f)
		h.mu.Unlock()
		if news {
			h.log.Error("service did not stop cleanly", append(failure(u, err), "op", "run")...)
		}
		return false
	case err == nil:
		allDone := u.completeLocked()
		h.mu.Unlock()
		h.log.Info("service completed", "service", u.name)
		if allDone {
			h.marks.RequestStop(errAllDone, time.Time{})
		}
		return false
	}
	u.err = err
	action := u.policy.last()
	if u.policy.action == restart {
		if !f.final && u.mayRestartLocked() {
			plan := u.planLocked()
			u.enterLocked(lifecycle.Restarting)
			h.mu.Unlock()
			h.log.Warn("service restarting", append(failure(u, err), plan...)...)
			return true
		}
		err = &gaveUpError{u.restarts, err}
		u.err = err
	}
	u.enterLocked(lifecycle.Failed)
	f.error = &ServiceError{Service: u.name, Op: "run", Err: err}
	allDone := false
	if action == ignore {
		allDone = u.loopEndedLocked()
	} else {
		h.failures = append(h.failures, f.noted)
	}
	h.mu.Unlock()
	h.log.Error("service failed", failure(u, err)...)
	if action != ignore {
		h.marks.RequestStop(f.error, time.Time{})
	} else if allDone {
		h.marks.RequestStop(errAllDone, time.Time{})
	}
	return false
}

// errReturned is the reason of a restart under [RestartConfig.Always].
var errReturned = errors.New("it returned, and is to run always")

// runsAgain says whether a return without an error, now, is answered with a restart.
func (u *unit) runsAgain() bool {
	return u.policy.always() && u.ctx.Err() == nil &&
		u.host.marks.Request().Cause == nil && u.stateNow() != lifecycle.Starting
}

// toldToEnd says whether err is the news that the host is stopping, which a producer
// gets before its own turn and may end with.
func (h *Host) toldToEnd(err error) bool {
	if err == nil || !errs.Is(err, ErrStopping) {
		return false
	}
	stop := h.stopBegins()
	return stop.Err() != nil && isCancel(err, context.Cause(stop))
}

// facts are what the host has to know of the end of a run.
type facts struct {
	noted
	atStop   bool // it was the service's turn to stop
	cancel   bool // and the error is only the news of that
	panicked bool
	final    bool // no restart can fix it
}

// ask asks the error, which belongs to the service: not under a lock.
func (u *unit) ask(err error) facts {
	f := facts{atStop: u.ctx.Err() != nil, cancel: err == nil}
	if err == nil {
		return f
	}
	f.cancel = f.atStop && isCancel(err, context.Cause(u.ctx))
	if f.cancel {
		return f
	}
	f.noted = note(u.name, "run", err)
	_, f.panicked = errs.As[*PanicError](err)
	f.final = isFinal(err)
	return f
}

// failure is what the log says of one, with the stack if it was a panic.
func failure(u *unit, err error) []any {
	return append([]any{"service", u.name}, failureOf("error", err)...)
}

func failureOf(key string, err error) []any {
	args := []any{key, err}
	if caught, ok := errs.As[*PanicError](err); ok {
		args = append(args, "stack", string(caught.Stack))
	}
	return args
}

// completeLocked notes an end without an error and reports whether it was the
// last of all loops and the host is to end with them.
func (u *unit) completeLocked() bool {
	u.enterLocked(lifecycle.Completed)
	return u.loopEndedLocked()
}

func (u *unit) loopEndedLocked() bool {
	h := u.host
	if u.loop == nil {
		return false
	}
	h.loops--
	return h.cfg.ExitWhenDone && h.loops == 0 && h.phase == running
}

// endedInTurnLocked notes the end of a loop, or of a restart, in its turn, and reports
// whether it is a failure that nobody knows of.
func (u *unit) endedInTurnLocked(err error, f facts) bool {
	if f.cancel || errs.Same(err, errReturned) {
		u.stoppedInTurnLocked()
		return false
	}
	return u.failedInTurnLocked(err, f.noted)
}

// stoppedInTurnLocked notes that a loop, or a restart, ended without a failure in its
// turn.
func (u *unit) stoppedInTurnLocked() {
	if u.resultOutLocked() {
		return
	}
	now := time.Now()
	if u.state == lifecycle.Stopping {
		u.stopTook = now.Sub(u.since)
	}
	if u.loop != nil {
		u.enterAtLocked(lifecycle.Stopped, now)
	}
}

// failedInTurnLocked notes that a loop, or a restart, failed in its turn and reports
// whether that is news. A failure under Ignore is no failure of the host: it might as
// well have come a moment before the stop.
func (u *unit) failedInTurnLocked(err error, failed noted) bool {
	if u.resultOutLocked() {
		return false
	}
	now := time.Now()
	if u.state == lifecycle.Stopping {
		u.stopTook = now.Sub(u.since)
	}
	u.err = err
	if u.policy.last() != ignore {
		u.host.failures = append(u.host.failures, failed)
	}
	u.enterAtLocked(lifecycle.Failed, now)
	return true
}

// resultOutLocked reports whether it is too late to note how the service ended: the
// result of the host is final, or the start has given the service up.
func (u *unit) resultOutLocked() bool {
	return u.host.phase == ended || u.state == lifecycle.Failed
}
