// Package guard runs code that belongs to somebody else so that it cannot take
// the goroutine's owner down: a panic or a runtime.Goexit comes back as an error
// with its stack.
package guard

import (
	"fmt"
	"runtime/debug"

	"github.com/sourcegraph/conc/panics"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// Call runs fn and returns its error, or a *lifecycle.PanicError if it panicked.
// A Goexit cannot be caught here: it ends the goroutine, see Run. It allocates
// nothing unless fn fails. An error whose own methods panic counts as a panic,
// see Inspect: what Call returns is safe to ask.
func Call(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			// panics.Catcher would do the same for one heap allocation a call,
			// also for calls that do not panic.
			r := panics.NewRecovered(1, value)
			err = &lifecycle.PanicError{Value: askable(r.Value), Stack: r.Stack}
		}
	}()
	if err = fn(); err != nil {
		Inspect(err)
	}
	return err
}

// askable returns value, or if it is an error that panics when it is asked, what
// can be printed of it: the PanicError unwraps to its value.
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

// Inspect asks err what errors.Is, errors.As and whoever prints it will ask it, so
// that an error that panics then, such as a nil pointer in an error with an
// Unwrap, does so here: where it can still be caught, and before any lock is held.
// For one that wraps errors without end, such as itself, Inspect panics: errors.Is
// would never return.
func Inspect(err error) { errs.Inspect(err) }

// Run is Call for a goroutine of its own: done gets the outcome exactly once,
// also when fn ends the goroutine with runtime.Goexit. After a Goexit done still
// runs on the dying goroutine and Run does not return; work that has to go on
// needs a new goroutine. done must not panic.
func Run(fn func() error, done func(error)) {
	var err error
	returned := false
	defer func() {
		if !returned {
			// A deferred call runs on top of the frame that called Goexit, so
			// this stack still shows who it was.
			err = &lifecycle.PanicError{Value: lifecycle.ErrGoexit, Stack: debug.Stack()}
		}
		done(err)
	}()
	err = Call(fn)
	returned = true
}
