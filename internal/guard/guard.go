// Package guard calls user code so that a panic or a runtime.Goexit does not end
// the calling goroutine, but is returned as an error with its stack.
package guard

import (
	"fmt"
	"runtime/debug"

	"github.com/sourcegraph/conc/panics"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// Call calls fn and returns its error, or a *lifecycle.PanicError if it panicked.
// It cannot catch a Goexit, which ends the goroutine; see Run. It does not allocate
// unless fn fails. An error whose methods panic counts as a panic, see Inspect. So
// the methods of the returned error are safe to call.
func Call(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			// panics.Catcher would do the same, but with a heap allocation for each call,
			// even without a panic.
			r := panics.NewRecovered(1, value)
			err = &lifecycle.PanicError{Value: askable(r.Value), Stack: r.Stack}
		}
	}()
	if err = fn(); err != nil {
		Inspect(err)
	}
	return err
}

// askable returns value. If value is an error whose methods panic, it returns a
// text instead, because a PanicError unwraps to its value.
func askable(value any) (safe any) {
	if err, ok := value.(error); ok {
		defer func() {
			if recover() != nil {
				safe = fmt.Sprintf("%T: %v", value, value)
			}
		}()
		Inspect(err)
	}
	return value
}

// Inspect calls the methods of err that errors.Is, errors.As and printing call. If
// one of them panics, such as that of a nil pointer with an Unwrap, it panics here,
// where the panic is caught and no lock is held. Inspect also panics if err wraps
// errors without end, such as itself, because errors.Is would never return.
func Inspect(err error) { errs.Inspect(err) }

// Run is [Call] for a goroutine of its own. It calls done exactly once with the
// result, even if fn calls runtime.Goexit. After a Goexit done runs on the exiting
// goroutine and Run does not return, so work that must go on needs a new goroutine.
// done must not panic.
func Run(fn func() error, done func(error)) {
	var err error
	returned := false
	defer func() {
		if !returned {
			// A deferred call runs on top of the frame that called Goexit, so this stack
			// shows the caller.
			err = &lifecycle.PanicError{Value: lifecycle.ErrGoexit, Stack: debug.Stack()}
		}
		done(err)
	}()
	err = Call(fn)
	returned = true
}
