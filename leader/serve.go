package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// call is a call into the inner service, on a goroutine of its own because it may
// not return.
type call struct {
	done chan struct{}
	err  error // set before done is closed
}

// begin makes the call. A panic or a runtime.Goexit becomes its error.
func begin(fn func() error) *call {
	c := &call{done: make(chan struct{})}
	go guard.Run(fn, func(err error) {
		c.err = err
		close(c.done)
	})
	return c
}

// await waits for a call and reports whether it returned. While the lease is held
// there is no bound, because no other process can begin. After a loss the bound is
// the margin plus the grace.
func (s *Service) await(t *term, c *call) bool {
	select {
	case <-c.done:
		return true
	case <-t.lost:
	}
	timer := time.NewTimer(t.margin + s.elector.grace)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// serve runs one inner service for one term, and reports whether to be a candidate
// again. It returns when the work has returned and the lease is released, or with
// an error if the work has not returned within its grace.
func (s *Service) serve(t *term) (again bool, err error) {
	e := s.elector
	e.gained(t)
	s.setWorking(true) // until the lease is released, whatever happens in between
	inner, starting := s.startInner(t)
	if !s.await(t, starting) {
		return false, s.abandon(t, starting, func() bool { return starting.err != nil }) // otherwise it started and has to be stopped
	}
	started := starting.err == nil
	failedByItself := !started && t.ctx.Err() == nil
	var endedByItself bool
	var end, stopErr error
	if started {
		endedByItself, end = s.watch(t, *inner)
		stopping := begin(func() error { return s.stopInner(t, *inner, &stopErr) })
		if !s.await(t, stopping) || stopping.err != nil {
			return false, s.abandon(t, stopping, func() bool { return stopping.err == nil })
		}
	}
	// The work has returned, so another process may begin. The order is fixed. A lease
	// that is released before renewLoop has ended could be renewed again. And when this
	// process is seen to follow, the lease must not still be its own.
	if t.stopRenewal() == nil {
		e.ceased(t, nil)()
	}
	t.release()
	s.close(*inner)
	switch {
	case endedByItself:
		return false, end
	case failedByItself: // another process may succeed: let it try
		e.failedToStart(starting.err)
		sleep(s.ctx, e.lease.ttl+jitter(e.lease.retry))
	case s.ctx.Err() != nil:
		s.mu.Lock()
		s.stopErr = stopErr
		s.mu.Unlock()
	case stopErr != nil:
		e.lease.log.Warn("leader-only service did not stop cleanly", "group", t.key, "error", stopErr)
	}
	return true, nil
}

// startInner begins to create and start an inner service. A stop during that
// cancels its context, as a loss does.
func (s *Service) startInner(t *term) (*hosted.Service, *call) {
	inner := new(hosted.Service)
	c := begin(func() error {
		made, err := s.construct()
		if err != nil {
			return err
		}
		if made == nil {
			return errors.New("the function returned no service")
		}
		l := s.elector.lease.log.Source()
		if inheritor, ok := hosted.As[interface{ InheritLogger(l *slog.Logger) }](made); ok && l != nil {
			inheritor.InheritLogger(l)
		}
		s.open(made)
		*inner = made // read by serve after the call has returned
		return made.Start(t.ctx)
	})
	select {
	case <-c.done:
	case <-t.lost:
	case <-s.ctx.Done():
		t.cancel(context.Cause(s.ctx))
	}
	return inner, c
}

// watch waits until the inner service has to be stopped or has ended by itself, and
// returns the error of the second case.
func (s *Service) watch(t *term, inner hosted.Service) (byItself bool, err error) {
	var done <-chan struct{}
	cause := func() error { return nil }
	if err := guard.Call(func() error {
		if e, ok := hosted.As[interface{ Done() <-chan struct{} }](inner); ok {
			done = e.Done()
			if f, ok := e.(interface{ Err() error }); ok {
				cause = f.Err
			}
		}
		return nil
	}); err != nil {
		return true, err // the inner service cannot be watched
	}
	select {
	case <-t.lost:
		return false, nil
	case <-s.ctx.Done():
		return false, nil
	case <-done:
	}
	err = guard.Call(cause)
	stopped := t.ctx.Err() != nil || s.ctx.Err() != nil // the inner service was stopped before this goroutine noticed
	return err != nil || !stopped, err
}

// stopInner stops the inner service and returns when its work has returned. It
// returns nil if the work has returned. stopErr is set to the error of the inner
// Stop.
func (s *Service) stopInner(t *term, inner hosted.Service, stopErr *error) error {
	ctx, cancel := s.stopContext(t)
	defer cancel()
	err := guard.Call(func() error { return inner.Stop(ctx) })
	*stopErr = err
	for ticker := time.NewTicker(max(t.margin/4, time.Millisecond)); ; {
		switch returned, known := workReturned(inner, err); {
		case returned:
			ticker.Stop()
			if err == ctx.Err() { //nolint:errorlint // compares identity: Stop timed out waiting for work that has returned since
				*stopErr = nil
			}
			return nil
		case !known:
			ticker.Stop()
			return err
		}
		<-ticker.C
	}
}

// stopContext returns the context of the inner Stop. It lasts as long as the lease
// if the lead was lost. In a stop it ends shortly before the deadline.
func (s *Service) stopContext(t *term) (context.Context, context.CancelFunc) {
	base := context.WithoutCancel(s.ctx)
	if t.lostNow() != nil {
		return context.WithTimeoutCause(base, t.margin, t.lostCause)
	}
	s.mu.Lock()
	deadline := s.deadline
	s.mu.Unlock()
	var ctx context.Context
	var cancel context.CancelFunc
	switch {
	case s.ctx.Err() == nil: // the inner service ended by itself, so little is left to do
		ctx, cancel = context.WithTimeout(base, t.ttl)
	case deadline.IsZero():
		ctx, cancel = context.WithCancel(base)
	default: // the release takes a moment too
		left := time.Until(deadline)
		ctx, cancel = context.WithDeadline(base, deadline.Add(-max(0, min(left/10, time.Second))))
	}
	go func() { // the lease may be lost during the stop
		select {
		case <-t.lost:
			sleep(ctx, t.margin)
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// workReturned reports whether the work of a service whose Stop returned err has
// returned. known is false if it has not and the service cannot tell when it will.
func workReturned(inner hosted.Service, err error) (returned, known bool) {
	if s, ok := hosted.As[interface{ Stuck() int }](inner); ok && s.Stuck() > 0 {
		return false, true
	}
	var timeout *hosted.TimeoutError
	var caught *lifecycle.PanicError
	gaveUp := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &caught)
	switch e, ok := hosted.As[interface{ Done() <-chan struct{} }](inner); {
	case errors.As(err, &timeout): // a host, which has ended while its stragglers have not
		h, ok := hosted.As[interface{ Stacks() map[string]string }](inner)
		return ok && len(h.Stacks()) == 0, ok
	case !gaveUp:
		return true, true
	case !ok:
		return false, false
	default:
		select {
		case <-e.Done():
			return true, true
		default:
			return false, true
		}
	}
}

// abandon stops waiting for work that does not return. The elector stays claimed
// until the work returns, so that this process cannot begin beside it.
func (s *Service) abandon(t *term, c *call, returned func() bool) error {
	s.elector.stuck(true)
	err := s.elector.error("lead", errors.New("its work does not return"))
	if t.lostNow() != nil {
		err = fmt.Errorf("%w after %v: %w", err, t.margin+s.elector.grace, t.lostCause)
	}
	select {
	case <-c.done: // the call returned without telling when the work does
		return errors.Join(err, c.err)
	default:
	}
	go func() {
		<-c.done
		if returned() {
			s.setWorking(false)
			s.elector.unclaim()
		}
	}()
	return err
}
