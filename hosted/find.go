package hosted

import (
	"errors"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// find is As for a goroutine of the host, which must not be held up. It takes an Unwrap
// that does not return in a moment for one with nothing inside, from then on.
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
	if sealed {
		return nil
	}
	found, err := quick(func() Service { return behind(s, is) })
	if err != nil {
		u.host.mu.Lock()
		defer u.host.mu.Unlock()
		u.sealed = true
	}
	return found
}

// quick calls a method that only tells something, on a goroutine of its own, and gives
// it a moment. It returns an error if the method panics or does not return.
func quick[T any](method func() T) (told T, err error) { return within(quickPatience, method) }

// within is quick with a moment of this length.
func within[T any](moment time.Duration, method func() T) (told T, err error) {
	value, err := bounded(moment, func() any { return method() })
	told, _ = value.(T)
	return told, err
}

func bounded(moment time.Duration, method func() any) (any, error) {
	type result struct {
		told any
		err  error
	}
	results := make(chan result, 1)
	go func() {
		var r result
		guard.Run(func() error { r.told = method(); return nil }, func(err error) {
			r.err = err
			results <- r
		})
	}()
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case r := <-results:
		return r.told, r.err
	case <-timer.C:
		return nil, errNotTold
	}
}

const quickPatience = 100 * time.Millisecond

var errNotTold = errors.New("it does not return")
