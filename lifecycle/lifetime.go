package lifecycle

import (
	"context"
	"time"

	"github.com/steadgo/stead/internal/lifetime"
)

// ErrStopRequested is the cause of a stop that was asked for without one.
var ErrStopRequested = lifetime.ErrStopRequested

// Lifetime is a program's life as seen by code that does not own the host: three
// moments to wait for and a way to ask for the end. A host hands it out; it
// works from the moment the host was made. All methods may be called from any
// goroutine, also from inside a service, and none of them blocks.
type Lifetime struct{ m *lifetime.Marks }

// NewLifetime is for package hosted, which alone can make a lifetime.Marks and so
// say that a host has started or stopped.
func NewLifetime(m *lifetime.Marks) *Lifetime { return &Lifetime{m} }

// Started is closed when every service has started. It stays open for ever if
// the start failed.
func (l *Lifetime) Started() <-chan struct{} { return l.m.Started }

// Stopping is closed the moment a stop is asked for, before any service is
// stopped.
func (l *Lifetime) Stopping() <-chan struct{} { return l.m.Stopping }

// Context returns a context that is done the moment a stop is asked for, with
// [Lifetime.Cause] as its [context.Cause], and never before. It carries no values. It
// is for goroutines that are no service of their own, such as those that the handler
// of a request starts: what they still do then is in the way of the stop.
func (l *Lifetime) Context() context.Context { return l.m.Context() }

// Stopped is closed when every service has stopped or was given up on.
func (l *Lifetime) Stopped() <-chan struct{} { return l.m.Stopped }

// Stop asks the host to stop and returns at once; the stop itself is the host's,
// with its own timeout. The first call wins: its cause is kept and later calls
// do nothing. A nil cause is [ErrStopRequested].
//
// A cause says why, it is not a failure: a program that stops cleanly is a
// success whoever asked. To end a program with an error, let a service return
// one. On a host that was never started, Stop makes a later start refuse.
func (l *Lifetime) Stop(cause error) { l.m.RequestStop(cause, time.Time{}) }

// Cause says why the stop was asked for: the argument of the first Stop, a
// *[SignalError], the cause of the context that ended, or the failure of a
// service. It is nil until then.
func (l *Lifetime) Cause() error { return l.m.Request().Cause }
