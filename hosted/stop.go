package hosted

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/lifetime"
	"github.com/steadgo/stead/lifecycle"
)

// Stop requests a stop and waits until the host has stopped. [Config.ShutdownTimeout]
// bounds the stop, or the deadline of ctx if that is earlier. Services that do not return
// in time are abandoned and named in a *[TimeoutError]. The error joins everything that
// went wrong since the start. Every caller that waits to the end gets the same error.
//
// Only the call that began the stop bounds it by a deadline. A later caller's ctx, and
// the cancellation of any ctx, bounds only that caller's wait. After a Stop before Start,
// Start returns an error. If ctx belongs to a service of this host, Stop does not wait
// and returns [ErrStopping]. A service that calls Stop with another context waits for
// itself and is named as a straggler. From inside a service, use
// [lifecycle.Lifetime.Stop].
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
	err := fmt.Errorf("stead/hosted: stop %q: gave up waiting: %w", h.cfg.Name, withCause(ctx.Err(), causeOf(ctx)))
	if caller != nil {
		// It was stopping before, on a budget of its own, and is abandoned: who
		// is in there must not be lost.
		return join(h.unended(), err)
	}
	return err
}

// unended names the services that have not stopped yet; nil means all have.
func (h *Host) unended() error {
	stacks := h.stacksUntil(time.Now())
	h.mu.Lock()
	defer h.mu.Unlock()
	var left []Straggler
	name := func(u *unit, op string, since time.Time) {
		left = append(left, Straggler{Service: u.name, Op: op, Waited: time.Since(since), Stacks: stacks[u.name]})
	}
	for _, c := range h.calls {
		if !c.returned() {
			name(c.unit, c.op, c.began)
		}
	}
	for _, f := range h.failures {
		left = append(left, f.inner...)
	}
	for _, u := range slices.Backward(h.units) {
		given := slices.ContainsFunc(left, func(s Straggler) bool { return s.Service == u.name })
		switch {
		case given || u.turned:
		case u.started:
			name(u, "stop", u.since)
		case u.state == lifecycle.Starting:
			name(u, "start", u.since)
		}
	}
	if len(left) == 0 || h.phase == ended {
		return nil
	}
	return &TimeoutError{Stragglers: left}
}

// Run starts the host, waits for a reason to stop, stops the host and returns what went
// wrong. It returns nil after a clean stop. The reasons are:
//
//   - ctx is done, which is also how a signal arrives; see [lifecycle.SignalContext] and
//     [Main].
//   - A service fails and its policy is [StopHost].
//   - A stop is requested.
//   - Every loop has completed, with [Config.ExitWhenDone].
//
// Run returns within [Config.ShutdownTimeout] of that moment even if services ignore
// their contexts. A host can be run once.
func (h *Host) Run(ctx context.Context) error {
	if err := h.Start(ctx); err != nil {
		return err
	}
	release := context.AfterFunc(ctx, func() { h.marks.RequestStop(context.Cause(ctx), time.Time{}) })
	defer release()
	<-h.ended
	return h.result
}

// Done returns a channel that is closed when the host has stopped. With Err, it makes a
// host a service of another one that can end by itself.
func (h *Host) Done() <-chan struct{} { return h.ended }

// Err returns what Run and Stop return, or nil if the host has not stopped.
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
	phase := h.phase
	switch phase {
	case idle: // never started: there is nothing to stop
		h.phase = ended
		close(h.marks.Stopped)
		close(h.ended)
	case running:
		go func() {
			// The caller may have been a service: drop its labels.
			pprof.SetGoroutineLabels(context.Background())
			h.shutdown()
		}()
	}
	cancel := h.cancelStart
	h.mu.Unlock()
	if phase == starting {
		cancel(h.marks.Request().Cause)
	}
}

// shutdown is the whole stop, from the request to the result. It runs once.
func (h *Host) shutdown() {
	req := h.marks.Request()
	h.mu.Lock()
	started := h.phase == running
	h.phase = stopping
	h.drained = h.drained || !started
	end := h.endOf(req)
	h.mu.Unlock()
	if started { // else the log has it: the host did not start
		h.log.Info("host stopping", "cause", req.Cause)
	}
	progress := h.reportProgress(req.At)
	if started && !h.noDrain {
		h.drain(end)
	}
	h.stopServices(end)
	h.turnsOver.Store(true)
	progress.Stop()
	h.finish(end)
}

// endOf is when the stop has to be over; zero means never.
func (h *Host) endOf(req lifetime.Request) time.Time {
	var end time.Time
	if h.cfg.ShutdownTimeout > 0 {
		end = req.At.Add(h.cfg.ShutdownTimeout)
	}
	if !req.Deadline.IsZero() && (end.IsZero() || req.Deadline.Before(end)) {
		end = req.Deadline
	}
	return end
}

// drain lets the services go on for DrainDelay. A caller that gave less time than
// the configuration does not find it used up by that: the stops keep what they
// would have had, or half of the time if that is less.
func (h *Host) drain(end time.Time) {
	delay := h.cfg.DrainDelay
	if !end.IsZero() {
		left := time.Until(end)
		stops := left / 2
		if t := h.cfg.ShutdownTimeout; t > 0 {
			stops = min(stops, t-delay)
		}
		delay = min(delay, left-stops)
	}
	if delay > 0 {
		h.mu.Lock()
		h.drainEnd = time.Now().Add(delay)
		h.mu.Unlock()
		h.log.Info("host draining", "duration", delay)
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-h.skipDelay:
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drained = true
}

// drainsLocked says whether the drain delay is on or about to begin: from the request
// on, so that a second signal right behind the first finds it.
func (h *Host) drainsLocked() bool {
	return h.cfg.DrainDelay > 0 && !h.noDrain && !h.drained &&
		(h.phase == running || h.phase == stopping) && h.marks.Request().Cause != nil
}

// cutDrain ends a drain delay early and reports whether one was on.
func (h *Host) cutDrain() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.drainsLocked() {
		return false
	}
	h.drained = true
	close(h.skipDelay)
	return true
}
