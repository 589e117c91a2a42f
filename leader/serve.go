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

// call is one into the inner service, on a goroutine of its own: it may not come
// back.
type call struct {
	done chan struct{}
	err  error // set before done closes
}

// begin makes the call. A panic or a runtime.Goexit in it is its error.
func begin(fn func() error) *call {
	c := &call{done: make(chan struct{})}
	go guard.Run(fn, func(err error) {
		c.err = err
		close(c.done)
	})
	return c
}

// await waits for a call: without a bound while the lease is ours, as nobody else
// can begin; after a loss for the margin and the grace. It reports whether the call
// is back.
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

// serve runs one inner service for one term, and reports whether to stand again.
// It returns when the work has, and the lease is given back; or with an error when
// the work has not returned in its grace.
func (s *Service) serve(t *term) (again bool, err error) {
	e := s.elector
	e.gained(t)
	s.setWorking(true) // until the lease is given back, whatever happens in between
	inner, starting := s.bring(t)
	if !s.await(t, starting) {
		return false, s.abandon(t, starting, func() bool { return starting.err != nil }) // or else it came up
	}
	started := starting.err == nil
	failedByItself := !started && t.ctx.Err() == nil
	var endedByItself bool
	var end, stopErr error
	if started {
		endedByItself, end = s.watch(t, *inner)
		stopping := begin(func() error { return s.halt(t, *inner, &stopErr) })
		if !s.await(t, stopping) || stopping.err != nil {
			return false, s.abandon(t, stopping, func() bool { return stopping.err == nil })
		}
	}
	// The work has returned: from here on another may begin. The order is fixed. A
	// lease that is given back before the keeper has ended could be renewed again,
	// and whoever sees us follow must not find the lease still ours.
	if t.settle() == nil {
		e.ceased(t, nil)()
	}
	t.giveBack()
	s.close(*inner)
	switch {
	case endedByItself:
		return false, end
	case failedByItself: // another may have what this process lacks: let it try
		e.failedToStart(starting.err)
		pause(s.ctx, e.lease.ttl+jitter(e.lease.retry))
	case s.ctx.Err() != nil:
		s.mu.Lock()
		s.stopErr = stopErr
		s.mu.Unlock()
	case stopErr != nil:
		e.lease.log.Warn("leader-only service did not stop cleanly", "group", t.key, "error", stopErr)
	}
	return true, nil
}

// bring begins to make and start an inner service. A stop while that is on ends
// the context it was given, as a loss does.
func (s *Service) bring(t *term) (*hosted.Service, *call) {
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
		if heir, ok := hosted.As[interface{ InheritLogger(l *slog.Logger) }](made); ok && l != nil {
			heir.InheritLogger(l)
		}
		s.open(made)
		*inner = made // read by serve when the call is back
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

// watch waits until the inner service is to stop, or has ended by itself, with
// which error.
func (s *Service) watch(t *term, inner hosted.Service) (byItself bool, err error) {
	var done <-chan struct{}
	why := func() error { return nil }
	if err := guard.Call(func() error {
		if e, ok := hosted.As[interface{ Done() <-chan struct{} }](inner); ok {
			done = e.Done()
			if f, ok := e.(interface{ Err() error }); ok {
				why = f.Err
			}
		}
		return nil
	}); err != nil {
		return true, err // it cannot be watched
	}
	select {
	case <-t.lost:
		return false, nil
	case <-s.ctx.Done():
		return false, nil
	case <-done:
	}
	err = guard.Call(why)
	told := t.ctx.Err() != nil || s.ctx.Err() != nil // before this goroutine was
	return err != nil || !told, err
}

// halt stops the inner service and returns when its work has; a nil error says
// so. What the stop said is in stopErr.
func (s *Service) halt(t *term, inner hosted.Service, stopErr *error) error {
	ctx, cancel := s.stopContext(t)
	defer cancel()
	err := guard.Call(func() error { return inner.Stop(ctx) })
	*stopErr = err
	for ticker := time.NewTicker(max(t.margin/4, time.Millisecond)); ; {
		switch returned, known := workReturned(inner, err); {
		case returned:
			ticker.Stop()
			if err == ctx.Err() { //nolint:errorlint // itself: it gave up waiting for work that has returned since
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

// stopContext says how long the inner service may take to stop: as long as the
// lease lasts when it was lost, until shortly before the deadline in a stop.
func (s *Service) stopContext(t *term) (context.Context, context.CancelFunc) {
	base := context.WithoutCancel(s.ctx)
	if t.lostNow() != nil {
		return context.WithTimeoutCause(base, t.margin, t.why)
	}
	s.mu.Lock()
	deadline := s.deadline
	s.mu.Unlock()
	var ctx context.Context
	var cancel context.CancelFunc
	switch {
	case s.ctx.Err() == nil: // it ended by itself: nothing should be left to do
		ctx, cancel = context.WithTimeout(base, t.ttl)
	case deadline.IsZero():
		ctx, cancel = context.WithCancel(base)
	default: // giving the lead back needs a moment too
		left := time.Until(deadline)
		ctx, cancel = context.WithDeadline(base, deadline.Add(-max(0, min(left/10, time.Second))))
	}
	go func() { // the lease may be lost meanwhile
		select {
		case <-t.lost:
			pause(ctx, t.margin)
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// workReturned says whether the work of a service whose Stop returned err has
// returned; known is false if it has not and will never say.
func workReturned(inner hosted.Service, err error) (returned, known bool) {
	if s, ok := hosted.As[interface{ Stuck() int }](inner); ok && s.Stuck() > 0 {
		return false, true
	}
	var timeout *hosted.TimeoutError
	var caught *lifecycle.PanicError
	gaveUp := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &caught)
	switch e, ok := hosted.As[interface{ Done() <-chan struct{} }](inner); {
	case errors.As(err, &timeout): // a host: it is done, but not what it left behind
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

// abandon gives up on work that does not return. The elector stays taken until it
// does, so that this process cannot begin beside it.
func (s *Service) abandon(t *term, c *call, returned func() bool) error {
	s.elector.stuck(true)
	err := s.elector.error("lead", errors.New("its work does not return"))
	if t.lostNow() != nil {
		err = fmt.Errorf("%w after %v: %w", err, t.margin+s.elector.grace, t.why)
	}
	select {
	case <-c.done: // and so it never says
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
