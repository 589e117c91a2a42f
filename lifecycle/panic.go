package lifecycle

import (
	"errors"
	"fmt"
)

// ErrGoexit is the Value of the PanicError for code that ended its goroutine
// with [runtime.Goexit] instead of returning; [testing.T.FailNow] does that.
var ErrGoexit = errors.New("runtime.Goexit called")

// PanicError is a panic, or a runtime.Goexit, that was caught and turned into an
// error. Value is what was passed to panic and Stack is the formatted stack of
// the goroutine at that point.
//
// The stack is not part of the message, which ends up in one-line logs; print
// Stack when you need it.
type PanicError struct {
	Value any
	Stack []byte
}

// Error returns "panic: " and the value.
func (e *PanicError) Error() string {
	if e.Value == ErrGoexit { //nolint:errorlint // this very value, not one that wraps it
		return ErrGoexit.Error()
	}
	return fmt.Sprintf("panic: %v", e.Value)
}

// Unwrap returns the value if it is an error, so that errors.Is and errors.As
// see what was panicked with.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
