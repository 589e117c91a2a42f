package hosted

import (
	"errors"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// find is As for a goroutine of the host, which must not be held up: an Unwrap that
// does not return in a moment counts as one that has nothing inside, from then on.
func find[T any](u *unit) (none T, ok bool) {
	s := u.service
	if t, ok := s.(T); ok {
		return t, true
	}
	if f, own := s.(interface {
		wrapper
		isEmpty() bool // only of this package: *fresh, *reloadable
	}); own {
		if s = f.Unwrap(); s == nil {
			return none, false
		}
		if t, ok := s.(T); ok {
			return t, true
		}
	}
	if _, wraps := s.(wrapper); !wraps {
		return none, false
	}
	u.host.mu.Lock()
	sealed := u.sealed
	u.host.mu.Unlock()
	if sealed {
		return none, false
	}
	type result struct {
		t  T
		ok bool
	}
	r, err := quick(func() (r result) { r.t, r.ok = As[T](s); return r })
	if err != nil {
		u.host.mu.Lock()
		defer u.host.mu.Unlock()
		u.sealed = true
	}
	return r.t, r.ok
}

// quick calls a method that only tells something, on a goroutine of its own, and gives
// it a moment. Its error is a panic, or that it did not return.
func quick[T any](method func() T) (none T, err error) { return within(quickPatience, method) }

// within is quick with a moment of this length.
func within[T any](moment time.Duration, method func() T) (none T, err error) {
	type result struct {
		told T
		err  error
	}
	told := make(chan result, 1)
	go func() {
		var r result
		guard.Run(func() error { r.told = method(); return nil }, func(err error) {
			r.err = err
			told <- r
		})
	}()
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case r := <-told:
		return r.told, r.err
	case <-timer.C:
		return none, errNotTold
	}
}

const quickPatience = 100 * time.Millisecond

var errNotTold = errors.New("it does not return")
