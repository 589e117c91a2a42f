package hosted

import (
	"errors"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/stall"
)

// find is As for a goroutine of the host, which must not be held up. It takes an Unwrap
// that does not return in a moment for one with nothing inside, until it has returned. The
// second time, and in a stop, it does so from then on.
func find[T any](u *unit) (t T, ok bool) {
	if t, ok = u.service.(T); !ok {
		t, ok = u.inside(is[T]).(T)
	}
	return t, ok
}

func (u *unit) inside(is func(Service) bool) Service {
	s := u.service
	if f, own := s.(interface {
		wrapper
		isEmpty() bool // only of this package: *fresh, *reloadable
	}); own {
		if s = f.Unwrap(); s == nil || is(s) {
			return s
		}
	}
	if _, wraps := s.(wrapper); !wraps {
		return nil
	}
	u.host.mu.Lock()
	sealed := u.sealed
	u.host.mu.Unlock()
	if sealed != nil && !closed(sealed) {
		return nil
	}
	returned := make(chan struct{})
	found, err := quick(func() Service {
		defer close(returned)
		return behind(s, is)
	})
	if err != nil {
		late := sealed != nil // before: it is slow by itself
		sealed = returned
		if late || u.host.marks.Request().Cause != nil {
			sealed = make(chan struct{}) // never closed; a stop waits once
		}
		u.host.mu.Lock()
		defer u.host.mu.Unlock()
		u.sealed = sealed
	}
	return found
}

// quick calls a method that only tells something, on a goroutine of its own, and gives
// it a moment. It returns an error if the method panics or does not return.
func quick[T any](method func() T) (result T, err error) { return within(quickTimeout, method) }

// within is quick with this timeout.
func within[T any](timeout time.Duration, method func() T) (result T, err error) {
	value, err := bounded(timeout, func() any { return method() })
	result, _ = value.(T)
	return result, err
}

func bounded(timeout time.Duration, method func() any) (any, error) {
	type result struct {
		result any
		err    error
	}
	results := make(chan result, 1)
	go func() {
		var r result
		guard.Run(func() error { r.result = method(); return nil }, func(err error) {
			r.err = err
			results <- r
		})
	}()
	r, ok := stall.Receive(results, timeout)
	if !ok {
		return nil, errNotTold
	}
	return r.result, r.err
}

const quickTimeout = 100 * time.Millisecond

var errNotTold = errors.New("it does not return")
