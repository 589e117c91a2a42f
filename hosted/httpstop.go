package hosted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/plural"
)

// Stop ends the server; see [HTTP]. It blocks until the requests have ended or ctx is
// done.
func (s *HTTPService) Stop(ctx context.Context) error {
	done := s.Done()
	if done == nil {
		return nil
	}
	defer s.over.Store(true)
	graceful := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		graceful, cancel = context.WithDeadline(ctx, deadline.Add(-reserve(deadline)))
		defer cancel()
	}
	// From Go 1.27 on net/http lingers for half a second on a connection whose request
	// was never read to its end. Nobody is waited for there.
	waiting, alone := context.WithCancel(graceful)
	defer alone()
	dropping := s.requests.dropIdle(silence(ctx), alone)
	err := s.srv.Shutdown(waiting)
	s.tell(ctx, dropping())
	if err == nil || s.requests.open() == 0 { // Shutdown looks only every half second
		// With HTTP/2 a request can be over for the server before its handler is.
		err = s.requests.wait(graceful)
	}
	if err != nil {
		err = s.closeAll(ctx, err)
	}
	select {
	case <-done: // Serve returns as soon as Shutdown begins
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// closeAll closes all connections, which cancels the contexts of their requests, and gives
// the handlers half of the time that is left to return.
func (s *HTTPService) closeAll(ctx context.Context, cause error) error {
	n, what := s.requests.open(), "connection"
	if open := s.requests.inHand(); open > 0 {
		n, what = open, "request"
	}
	what = plural.Of(n, what) + map[bool]string{true: " was cut", false: " were cut"}[n == 1]
	err := fmt.Errorf("stead/hosted: http: %s: %w", what, errors.Join(cause, s.srv.Close()))
	if deadline, ok := ctx.Deadline(); ok {
		patient, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
		_ = s.requests.wait(patient) // a handler that has not returned by then is Stuck
	}
	return err
}

// Stuck returns how many requests have handlers that run although Stop has returned. It
// is 0 before. Hijacked connections do not count.
func (s *HTTPService) Stuck() int {
	if !s.over.Load() {
		return 0
	}
	return s.requests.inHand()
}

// Backlog returns how many requests have handlers that are running, for [Host.StopPlan].
func (s *HTTPService) Backlog() int { return s.requests.inHand() }

// silence is how long a stop with this context waits for something to come on a
// connection.
func silence(ctx context.Context) time.Duration {
	d := 500 * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok {
		d = max(0, min(d, time.Until(deadline)/4))
	}
	return d
}

// tell logs the connections that were closed on the way. Browsers keep spare ones; that
// the body of a request never came is something to know.
func (s *HTTPService) tell(ctx context.Context, d dropped) {
	if d == (dropped{}) {
		return
	}
	level := slog.LevelDebug
	if d.bodyless > 0 {
		level = slog.LevelInfo
	}
	s.logOf(ctx).Log(context.Background(), level, "connections closed", "without_request", d.silent, "without_body", d.bodyless)
}

// reserve is what is kept of the time until deadline for cutting connections.
func reserve(deadline time.Time) time.Duration {
	return max(0, min(time.Until(deadline)/10, time.Second))
}
