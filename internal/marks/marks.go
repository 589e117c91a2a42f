// Package marks is the writable half of lifecycle.Lifetime. It is internal so
// that only a host can say that it has started or stopped.
package marks

import (
	"errors"
	"sync"
)

// ErrStopRequested is the cause of a stop that was asked for without one.
var ErrStopRequested = errors.New("stead/lifecycle: stop requested")

// Marks are the three moments of a host's life. Make them with New.
type Marks struct {
	Started, Stopping, Stopped chan struct{}

	mu    sync.Mutex
	cause error
}

// New returns marks of a host that has not started.
func New() *Marks {
	return &Marks{
		Started:  make(chan struct{}),
		Stopping: make(chan struct{}),
		Stopped:  make(chan struct{}),
	}
}

// RequestStop keeps the first cause, closes Stopping and reports whether this
// call was the first. The cause is readable before Stopping is seen closed.
func (m *Marks) RequestStop(cause error) bool {
	if cause == nil {
		cause = ErrStopRequested
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause != nil {
		return false
	}
	m.cause = cause
	close(m.Stopping)
	return true
}

// Cause is the cause of the first RequestStop, nil before it.
func (m *Marks) Cause() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cause
}
