package lifecycle

import (
	"context"
	"time"

	"github.com/steadgo/stead/internal/lifetime"
)

// ErrStopRequested is the cause of a stop that was requested without a cause.
var ErrStopRequested = lifetime.ErrStopRequested

// Lifetime is the life of a program for code that does not own the host: three moments to
// wait for and a way to request a stop. A host returns its Lifetime, which works from New
// on. It is safe for concurrent use, also from inside a service. No method blocks.
type Lifetime struct{ m *lifetime.Marks }

// NewLifetime creates a Lifetime for package hosted. Only that package can create a
// lifetime.Marks, and so mark a host as started or stopped. If m is nil, the host never
// starts.
func NewLifetime(m *lifetime.Marks) *Lifetime {
	if m == nil {
		m = lifetime.New(nil)
	}
	return &Lifetime{m}
}

// Started returns a channel that is closed when every service has started. If the start
// fails, the channel stays open.
func (l *Lifetime) Started() <-chan struct{} { return l.m.Started }

// Stopping returns a channel that is closed when a stop is requested, before any service
// stops.
func (l *Lifetime) Stopping() <-chan struct{} { return l.m.Stopping }

// Context returns a context that is canceled when a stop is requested, with
// [Lifetime.Cause] as its [context.Cause], and never before. It carries no values. It is
// for goroutines that are not services, such as the ones that a request handler starts: what
// they still do after the request delays the stop.
func (l *Lifetime) Context() context.Context { return l.m.Context() }

// Stopped returns a channel that is closed when every service has stopped or was given
// up.
func (l *Lifetime) Stopped() <-chan struct{} { return l.m.Stopped }

// Stop requests a stop of the host and returns at once. The host then stops within its
// own timeout. The cause of the first call is kept, and later calls do nothing. If cause
// is nil, [ErrStopRequested] is used.
//
// A cause is a reason, not a failure: a program that stops cleanly is a success, whatever
// requested it. To end a program with an error, return the error from a service. After a
// Stop before the start, Start returns an error.
func (l *Lifetime) Stop(cause error) { l.m.RequestStop(cause, time.Time{}) }

// Cause returns why a stop was requested: the argument of the first Stop, a
// *[SignalError], the cause of the context that was done, or the failure of a service. It
// returns nil before the request.
func (l *Lifetime) Cause() error { return l.m.Request().Cause }
