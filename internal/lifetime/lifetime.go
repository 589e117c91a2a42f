// Package lifetime is the writable half of lifecycle.Lifetime. It is internal so
// that only a host can mark itself as started or stopped.
package lifetime

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/errs"
)

// ErrStopRequested is the cause of a stop that was requested without one.
var ErrStopRequested = errors.New("stead/lifecycle: stop requested")

// Marks are the three moments of the life of a host. Use New to create them.
type Marks struct {
	Started, Stopping, Stopped chan struct{}

	onStop func()

	mu      sync.Mutex
	request Request
	ctx     context.Context // created by the first call of Context
	cancel  context.CancelCauseFunc
}

// Request is a request to stop.
type Request struct {
	Cause    error     // nil before a request
	At       time.Time // time of the request
	Deadline time.Time // deadline of the caller, or zero
}

// New returns the marks of a host that has not started. onStop is called once,
// after the first request, on the goroutine that made it. It must not block and may
// be nil.
func New(onStop func()) *Marks {
	return &Marks{
		Started:  make(chan struct{}),
		Stopping: make(chan struct{}),
		Stopped:  make(chan struct{}),
		onStop:   onStop,
	}
}

// RequestStop stores the first request and closes Stopping. The request can be read
// before Stopping is closed.
func (m *Marks) RequestStop(cause error, deadline time.Time) {
	if cause == nil {
		cause = ErrStopRequested
	}
	cause = errs.Askable(cause) // a host calls its methods during its stop
	if m.keepFirst(Request{Cause: cause, At: time.Now(), Deadline: deadline}) && m.onStop != nil {
		m.onStop()
	}
}

func (m *Marks) keepFirst(r Request) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.request.Cause != nil {
		return false
	}
	m.request = r
	if m.cancel != nil {
		m.cancel(r.Cause)
	}
	close(m.Stopping)
	return true
}

// Context returns a context that is done when Stopping is closed, with the cause of
// the request.
func (m *Marks) Context() context.Context {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx == nil {
		m.ctx, m.cancel = context.WithCancelCause(context.Background())
		if m.request.Cause != nil {
			m.cancel(m.request.Cause)
		}
	}
	return m.ctx
}

// Request returns the first request, or one with a nil Cause before that.
func (m *Marks) Request() Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.request
}
