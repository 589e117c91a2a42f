package hosted

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/marks"
	"github.com/steadgo/stead/lifecycle"
)

// Stop asks the host to stop and waits until it has, within the budget of
// [Config.ShutdownTimeout] or ctx's deadline if that is earlier. Services that
// do not return in time are left behind and named in a *[TimeoutError]; the
// error joins all that went wrong since the start, and every caller that waits
// to the end gets the same.
//
// Only the deadline of the call that began the stop bounds it; a later caller's
// ctx, and any ctx's cancellation, bounds only that caller's wait. Stop before
// Start makes a later Start refuse. Called with a context of one of this host's
// own services it does not wait and returns [ErrStopping]; a service that calls
// it with another context waits for itself and is named as a straggler, so from
// inside use [lifecycle.Lifetime.Stop].
func (h *Host) Stop(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	caller := unitFrom(ctx)
	if caller.within(h) {
		h.marks.RequestStop(lifecycle.ErrStopRequested, time.Time{})
		return ErrStopping
	}
	if caller != nil && !deadline.IsZero() {
		// A host in a host ends a little before its parent gives it up, so that
		// the names of its own stragglers get out.
		deadline = deadline.Add(-min(max(0, time.Until(deadline)/10), 100*time.Millisecond))
	}
	h.marks.RequestStop(lifecycle.ErrStopRequested, deadline)
	select {
	case <-h.ended:
		return h.result
	case <-ctx.Done():
	}
	if req := h.marks.Request(); !deadline.IsZero() && req.Deadline.Equal(deadline) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		<-h.ended // this caller's own deadline is enforced: it is about to end
		return h.result
	}
	return fmt.Errorf("stead/hosted: stop %q: gave up waiting: %w", h.cfg.Name, withCause(ctx.Err(), context.Cause(ctx)))
}

// Run starts the host, waits for a reason to stop, stops it and returns what
// went wrong; nil after a clean stop. The reasons are: ctx ends, which is also
// how a signal arrives (see [lifecycle.SignalContext] and [Main]); a service
// fails and its policy is [StopHost]; somebody asks for it; or, with
// [Config.ExitWhenDone], every loop has ended.
//
// Run returns within [Config.ShutdownTimeout] of that moment even if services
// ignore their contexts. A host can be run once.
func (h *Host) Run(ctx context.Context) error {
	if err := h.Start(ctx); err != nil {
		return err
	}
	release := context.AfterFunc(ctx, func() { h.marks.RequestStop(context.Cause(ctx), time.Time{}) })
	defer release()
	<-h.ended
	return h.result
}

// Done is closed when the host has stopped. With Err it lets a host be a service
// of another one.
func (h *Host) Done() <-chan struct{} { return h.ended }

// Err is what Run and Stop return; nil until the host has stopped.
func (h *Host) Err() error {
	select {
	case <-h.ended:
		return h.result
	default:
		return nil
	}
}

// stopRequested is called once, by the first request to stop.
func (h *Host) stopRequested() {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch h.phase {
	case idle: // never started: there is nothing to stop
		h.phase = ended
		close(h.marks.Stopped)
		close(h.ended)
	case starting:
		h.cancelStart(h.marks.Request().Cause)
	case running:
		go func() {
			// Whoever asked may have been a service: drop its labels.
			pprof.SetGoroutineLabels(context.Background())
			h.shutdown()
		}()
	}
}

// shutdown is the whole stop, from the request to the result. It runs once.
func (h *Host) shutdown() {
	req := h.marks.Request()
	h.mu.Lock()
	started := h.phase == running
	h.phase = stopping
	end := h.endOf(req)
	h.mu.Unlock()
	h.log.Info("host stopping", "cause", req.Cause)
	progress := h.reportProgress(req.At)
	if started && !h.noDrain {
		h.drain(end)
	}
	h.stopServices(end)
	progress.Stop()
	h.finish()
}

// endOf is when the stop has to be over; zero: never.
func (h *Host) endOf(req marks.Request) time.Time {
	var end time.Time
	if h.cfg.ShutdownTimeout > 0 {
		end = req.At.Add(h.cfg.ShutdownTimeout)
	}
	if !req.Deadline.IsZero() && (end.IsZero() || req.Deadline.Before(end)) {
		end = req.Deadline
	}
	return end
}

// drain lets the services go on for DrainDelay.
func (h *Host) drain(end time.Time) {
	delay := h.cfg.DrainDelay
	if !end.IsZero() {
		delay = min(delay, time.Until(end))
	}
	if delay <= 0 {
		return
	}
	h.log.Info("host draining", "duration", delay)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.cut:
	}
}

// cutDrain ends a drain delay early and reports whether one was on.
func (h *Host) cutDrain() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cfg.DrainDelay <= 0 || h.cutOnce || h.servicesStopping {
		return false
	}
	h.cutOnce = true
	close(h.cut)
	return true
}

// stopServices calls the stopping hooks, the stops and the stopped hooks.
func (h *Host) stopServices(end time.Time) {
	h.mu.Lock()
	h.servicesStopping = true
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

type pendingHook struct {
	u   *unit
	op  string
	run hook
}

func (h *Host) stopHook(p pendingHook, deadline time.Time) {
	ctx, release := p.u.until(deadline)
	defer release()
	c := p.u.call(ctx, p.op, p.run, func(err error, _ bool) {
		if err != nil {
			h.failAtStop(p.u, p.op, err)
		}
	})
	if !waitUntil(c.done, deadline, nil) {
		h.abandon(c)
	}
}

// stop gives the service its turn, until deadline.
func (u *unit) stop(deadline time.Time, timer *time.Timer) {
	h := u.host
	cause := h.marks.Request().Cause
	h.mu.Lock()
	began := time.Now()
	if u.state != lifecycle.Completed && u.state != lifecycle.Failed {
		u.enterLocked(lifecycle.Stopping)
	}
	h.mu.Unlock()
	if u.loop != nil {
		u.cancel(cause)
		if !waitUntil(u.done, deadline, timer) {
			h.abandon(&call{unit: u, op: "stop", began: began, done: u.done})
		}
		return
	}
	ctx, release := u.until(deadline)
	defer release()
	c := u.call(ctx, "stop", func(ctx context.Context) error {
		u.cancel(cause)
		if u.done != nil {
			<-u.done // its supervisor may be in the middle of a restart
		}
		return u.service.Stop(ctx)
	}, func(err error, _ bool) { u.stopReturned(err, began) })
	if !waitUntil(c.done, deadline, timer) {
		h.abandon(c)
	}
}

func (u *unit) stopReturned(err error, began time.Time) {
	h := u.host
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
