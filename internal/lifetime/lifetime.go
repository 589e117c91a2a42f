// Package lifetime is the writable half of lifecycle.Lifetime. It is internal so
// that only a host can say that it has started or stopped.
package lifetime

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/errs"
)

// ErrStopRequested is the cause of a stop that was asked for without one.
var ErrStopRequested = errors.New("stead/lifecycle: stop requested")

// Marks are the three moments of a host's life. Make them with New.
type Marks struct {
	Started, Stopping, Stopped chan struct{}

	onStop func()

	mu      sync.Mutex
	request Request
	ctx     context.Context // made when somebody asks for it
	cancel  context.CancelCauseFunc
}

// Request is what is known of a stop that was asked for.
type Request struct {
	Cause    error     // nil: none was asked for
	At       time.Time // when
	Deadline time.Time // of the one who asked; zero: none
}

// New returns marks of a host that has not started. onStop is called once, after
// the first request, on the goroutine that made it; it must not block. It may be
// nil.
func New(onStop func()) *Marks {
	return &Marks{
		Started:  make(chan struct{}),
		Stopping: make(chan struct{}),
		Stopped:  make(chan struct{}),
		onStop:   onStop,
	}
}

// RequestStop keeps the first request and closes Stopping. The request is
// readable before Stopping is seen closed.
func (m *Marks) RequestStop(cause error, deadline time.Time) {
	if cause == nil {
		cause = ErrStopRequested
	}
	cause = errs.Askable(cause) // a host asks it in the middle of its stop
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

// Request is the first request, with a nil Cause before it.
func (m *Marks) Request() Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.request
}
