package hosted

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"time"

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
			u.enterLocked(u.upState())
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
		if e, ok = As[ender](u.service); !ok || u.stateNow() != lifecycle.Running {
			return nil
		}
	}
}

// renew stops the old instance, under a slice of time, and starts a new one.
func (u *unit) renew() error {
	slice := 500 * time.Millisecond
	if t := u.host.cfg.ShutdownTimeout; t > 0 {
		slice = min(slice, t/4)
	}
	if u.stopTimeout > 0 {
		slice = min(slice, u.stopTimeout)
	}
	stop, cancel := context.WithTimeout(&u.base, slice)
	defer cancel()
	old := u.call(stop, "stop", u.service.Stop, nil)
	if !waitUntil(old.done, time.Now().Add(slice), nil) && u.host.abandon(old) {
		// Two instances of one service side by side would be worse than none.
		return &finalError{fmt.Errorf("the failed instance did not stop within %v: %w", slice, context.DeadlineExceeded)}
	}
	if old.err != nil && !u.endedAs(old.err) {
		u.host.log.Warn("failed instance did not stop cleanly", failure(u, old.err)...)
	}
	if u.ctx.Err() != nil {
		return context.Cause(u.ctx) // its turn to stop has come meanwhile
	}
	start := u.ctx
	if u.startTimeout > 0 {
		var release context.CancelFunc
		start, release = context.WithTimeoutCause(start, u.startTimeout,
			fmt.Errorf("StartTimeout of %v is over: %w", u.startTimeout, context.DeadlineExceeded))
		defer release()
	}
	return u.host.await(start, u.callStart(start, func() {
		u.host.mu.Lock()
		defer u.host.mu.Unlock()
		if u.state == lifecycle.Restarting {
			u.enterLocked(lifecycle.Running)
		}
	}))
}

// finalError is a failure that no restart can mend.
type finalError struct{ error }

func (g *finalError) Unwrap() error { return g.error }

// backOff waits before a restart and reports false if the service's turn to stop
// came meanwhile.
func (u *unit) backOff() bool {
	u.host.mu.Lock()
	delay := u.policy.restart.delay(u.intensity.attempt)
	u.intensity.next = time.Now().Add(delay)
	u.host.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-u.ctx.Done():
	}
	if u.ctx.Err() == nil {
		return true
	}
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	u.endedAtStopLocked(nil)
	return false
}

// decide says what the end of a loop or of a service means and reports whether
// it is to be started again.
func (h *Host) decide(u *unit, err error) bool {
	h.mu.Lock()
	if isPanic(err) {
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
	case u.ctx.Err() != nil:
		if isCancel(err, context.Cause(u.ctx)) {
			err = nil
		}
		noted := u.endedAtStopLocked(err)
		h.mu.Unlock()
		if noted {
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
	action := u.policy.action
	if action == restart {
		if u.mayRestartLocked(err) {
			attempt := u.intensity.attempt
			u.enterLocked(lifecycle.Restarting)
			h.mu.Unlock()
			h.log.Warn("service restarting", append(failure(u, err), "attempt", attempt)...)
			return true
		}
		err = fmt.Errorf("gave up after %d restarts: %w", u.restarts, err)
		u.err = err
	}
	u.enterLocked(lifecycle.Failed)
	failed := &ServiceError{Service: u.name, Op: "run", Err: err}
	allDone := false
	if action == ignore {
		allDone = u.loopEndedLocked()
	} else {
		h.failures = append(h.failures, failed)
	}
	h.mu.Unlock()
	h.log.Error("service failed", failure(u, err)...)
	if action != ignore {
		h.marks.RequestStop(failed, time.Time{})
	} else if allDone {
		h.marks.RequestStop(errAllDone, time.Time{})
	}
	return false
}

// isPanic keeps the target of errors.As, which goes to the heap, out of the way
// of a clean end.
func isPanic(err error) bool {
	if err == nil {
		return false
	}
	var caught *PanicError
	return errors.As(err, &caught)
}

// failure is what the log says of one, with the stack if it was a panic.
func failure(u *unit, err error) []any {
	args := []any{"service", u.name, "error", err}
	var caught *PanicError
	if errors.As(err, &caught) {
		args = append(args, "stack", string(caught.Stack))
	}
	return args
}

// mayRestartLocked counts a restart and reports whether the limit allows it.
func (u *unit) mayRestartLocked(err error) bool {
	var final *finalError
	if errors.As(err, &final) {
		return false
	}
	if u.intensity == nil {
		u.intensity = &intensity{}
	}
	ran := time.Duration(0)
	if u.state == lifecycle.Running {
		ran = time.Since(u.since)
	}
	if !u.intensity.allow(time.Now(), ran, u.policy.restart) {
		return false
	}
	u.restarts++
	return true
}

// intensity counts restarts against their limit.
type intensity struct {
	attempt int         // since the last run that lasted
	recent  []time.Time // within the window, oldest first
	next    time.Time   // when the last backoff is, or was, over
}

// allow reports whether a failure at now, after a run of this length, may be
// answered with another restart, and counts it if so.
func (i *intensity) allow(now time.Time, ran time.Duration, cfg RestartConfig) bool {
	if ran >= cfg.Per {
		i.attempt = 0
	}
	if cfg.Limit > 0 {
		for len(i.recent) > 0 && now.Sub(i.recent[0]) > cfg.Per {
			i.recent = i.recent[1:]
		}
		if len(i.recent) >= cfg.Limit {
			return false
		}
		i.recent = append(i.recent, now)
	}
	i.attempt++
	return true
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

// endedAtStopLocked notes the end of a loop, or of a restart, in its turn and
// reports whether err is news. That of a service under Ignore is no failure of
// the host: it might as well have come a moment before the stop.
func (u *unit) endedAtStopLocked(err error) bool {
	if u.host.phase == ended || u.state == lifecycle.Failed {
		return false // the result is out, or it was given up in the start
	}
	if u.state == lifecycle.Stopping {
		u.stopTook = time.Since(u.since)
	}
	if err == nil {
		if u.loop != nil {
			u.enterLocked(lifecycle.Stopped)
		}
		return false
	}
	u.err = err
	if u.policy.action != ignore {
		u.host.failures = append(u.host.failures, &ServiceError{Service: u.name, Op: "run", Err: err})
	}
	u.enterLocked(lifecycle.Failed)
	return true
}
