package hosted

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// Start starts every service in order and returns when all are running. ctx bounds the
// start only. The services see the values of ctx, and outlive it. Once started, the host
// stops on [Host.Stop], on [lifecycle.Lifetime.Stop], and on a failure whose policy stops
// the host.
//
// If a service fails to start or takes too long, or if a stop is requested meanwhile,
// Start stops the services that had started, on a fresh shutdown budget. It then returns
// the error, root cause first. A service whose Start does not return after its context is
// done has a grace of a quarter of [Config.ShutdownTimeout], at most 1 s. After that the
// host leaves the call behind and names it in a *[TimeoutError].
//
// A host can be started once. Start checks the registrations before it starts anything.
func (h *Host) Start(ctx context.Context) error { return h.start(ctx, nil) }

// start starts the services that pick chooses of those it is given in the order
// of the start; a nil pick chooses all.
func (h *Host) start(ctx context.Context, pick func([]*unit) []*unit) error {
	h.mu.Lock()
	if h.phase != idle {
		cause, begun := h.marks.Request().Cause, h.cancelStart != nil
		h.mu.Unlock()
		if cause != nil && !begun {
			return fmt.Errorf("stead/hosted: start %q: it was asked to stop before: %w", h.cfg.Name, cause)
		}
		return fmt.Errorf("stead/hosted: start %q: it was started before, and a host runs once", h.cfg.Name)
	}
	h.phase = starting
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h.cancelStart = cancel
	h.mu.Unlock()

	order, err := h.validate()
	if err != nil {
		h.fail(noted{error: err})
		return h.rollBack(err)
	}
	if pick != nil {
		order = pick(order)
	}
	h.mu.Lock()
	h.units, h.ordered = order, true
	h.mu.Unlock()
	if d := h.cfg.StartTimeout; d > 0 {
		var release context.CancelFunc
		bounded, release = context.WithTimeoutCause(bounded, d,
			fmt.Errorf("StartTimeout of %v has expired: %w", d, context.DeadlineExceeded))
		defer release()
	}
	h.log.Info("host starting", "services", len(order))
	h.nestIn(ctx)
	values := &valuesOf{ctx}
	if h.startAll(bounded, values) && h.becomeRunning() {
		return nil
	}
	err = h.abortCause(bounded)
	h.noteInterrupted(bounded)
	return h.rollBack(err)
}

func (h *Host) startAll(ctx, values context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	for _, u := range h.units {
		u.open(values)
	}
	if !h.startHooks(ctx, "inherit logger", h.inheritLoggerHook) {
		return false
	}
	if !h.startHooks(ctx, "starting", func(u *unit) hook { return hookOf[startingHook](u, startingHook.Starting) }) {
		return false
	}
	if !parallel(h.units, max(1, h.cfg.StartConcurrency), (*unit).needs, (*unit).needed,
		func(u *unit, giveUp func()) bool { return h.startOne(ctx, u, giveUp) }) {
		return false
	}
	return h.startHooks(ctx, "started", func(u *unit) hook { return hookOf[startedHook](u, startedHook.Started) })
}

// errSiblingFailed ends the starts that are under way beside one that failed.
var errSiblingFailed = errors.New("stead/hosted: another service failed to start")

// startUnit reports whether the start may go on. What failed is noted.
func (h *Host) startUnit(ctx context.Context, u *unit) bool {
	whole := ctx
	if ctx.Err() != nil {
		return false
	}
	if u.startTimeout > 0 {
		var release context.CancelFunc
		ctx, release = context.WithTimeoutCause(ctx, u.startTimeout,
			fmt.Errorf("StartTimeout of %v has expired: %w", u.startTimeout, context.DeadlineExceeded))
		defer release()
	}
	var err error
	if u.loop != nil {
		err = u.startLoop(ctx)
	} else {
		err = u.startService(ctx)
	}
	if err == nil {
		return true
	}
	if u.optional && whole.Err() == nil {
		u.goWithout(err)
		return true
	}
	// That a start was cut short because of something else that is known
	// already is no failure of its own.
	own := ctx.Err() == nil || !isCancel(err, causeOf(ctx))
	failed := note(u.name, "start", err)
	h.mu.Lock()
	defer h.mu.Unlock()
	u.failedToStartLocked(err)
	if own || len(h.failures) == 0 {
		h.failures = append(h.failures, failed)
	}
	return false
}

func (u *unit) startLoop(ctx context.Context) error {
	h := u.host
	u.done = make(chan struct{})
	// Its channel is made at the first call: here, as the little stack of a new
	// goroutine would have to grow for it.
	u.ctx.Done()
	if u.waitReady {
		u.ready = make(chan struct{})
	}
	h.mu.Lock()
	u.started = true
	u.enterLocked(u.upState())
	began := u.since
	h.mu.Unlock()
	go u.runLoop()
	if !u.waitReady {
		return nil
	}
	runtime.Gosched() // most are ready at once, and then there is nothing to wait for
	if !closed(u.ready) {
		select {
		case <-u.ready:
		case <-u.done:
		case <-ctx.Done():
		}
	}
	if closed(u.ready) {
		return nil // what came after that is not the start's
	}
	if closed(u.done) {
		h.mu.Lock()
		defer h.mu.Unlock()
		return u.err
	}
	cause := causeOf(ctx)
	u.cancel(cause)
	if !h.inGrace(u.done) {
		h.abandon(&call{unit: u, op: "start", began: began, done: u.done})
	}
	h.mu.Lock()
	u.started = false
	err := u.err
	h.mu.Unlock()
	if isCancel(err, cause) {
		return fmt.Errorf("the loop has not called Ready: %w", withCause(err, cause))
	}
	return withCause(err, cause)
}

// upState is the state of a loop that has begun to run.
func (u *unit) upState() lifecycle.State {
	switch {
	case !u.waitReady:
		return lifecycle.Running
	case u.state == lifecycle.Restarting:
		return lifecycle.Restarting
	default:
		return lifecycle.Starting
	}
}

func (u *unit) startService(ctx context.Context) error {
	u.host.mu.Lock()
	u.enterLocked(lifecycle.Starting)
	u.host.mu.Unlock()
	return u.host.await(ctx, u.callStart(u.scoped(ctx), u.adopt))
}

// callStart begins a Start that is followed by up if it succeeds while someone
// waits for it.
func (u *unit) callStart(ctx context.Context, up func()) *call {
	return u.call(ctx, "start", u.service.Start, func(err error, abandoned bool) {
		switch {
		case err != nil:
			u.failedLate("start", err, abandoned)
		case abandoned:
			// It came up after all, and nobody else will stop it.
			gone, cancel := context.WithCancelCause(u.finishing())
			cancel(ErrStopping)
			err := guard.Call(func() error { return u.service.Stop(gone) })
			u.failedLate("stop", err, true)
		default:
			up()
		}
	})
}

// failedLate notes the error of a call of the start that came back when nobody waited
// for it any more, such as the stragglers of a nested host.
func (u *unit) failedLate(op string, err error, abandoned bool) {
	if abandoned && !isCancel(err, u.host.marks.Request().Cause) {
		u.host.failAtStop(u, op, err)
	}
}

// adopt notes that Start succeeded.
func (u *unit) adopt() {
	e, canEnd := find[ender](u) // of a call that is back, nobody bounds what it does here
	h := u.host
	h.mu.Lock()
	defer h.mu.Unlock()
	u.startTook = time.Since(u.since)
	if _, isOnce := u.service.(*once); isOnce {
		u.enterLocked(lifecycle.Completed)
		return
	}
	u.started = true
	u.enterLocked(lifecycle.Running)
	if canEnd {
		u.done = make(chan struct{})
		go u.supervise(e) // inherits the labels of the call
	}
}

// becomeRunning ends the start, unless a stop was asked for meanwhile.
func (h *Host) becomeRunning() bool {
	h.mu.Lock()
	if h.marks.Request().Cause != nil {
		h.mu.Unlock()
		return false
	}
	h.phase = running
	allDone := h.cfg.ExitWhenDone && h.loops == 0
	h.mu.Unlock()
	close(h.marks.Started)
	h.log.Info("host started")
	if allDone {
		h.marks.RequestStop(errAllDone, time.Time{})
	}
	return true
}
