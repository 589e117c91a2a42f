package lifecycle

import (
	"errors"
	"fmt"
)

// ErrGoexit is the Value of a PanicError if the code ended its goroutine with
// [runtime.Goexit] instead of returning. [testing.T.FailNow] does that.
var ErrGoexit = errors.New("runtime.Goexit called")

// PanicError is a panic, or a runtime.Goexit, that was recovered and returned as an
// error. Value is the argument of panic. Stack is the formatted stack of the goroutine at
// that point. The message does not contain Stack, because it ends up in one-line logs.
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

// Unwrap returns Value if that is an error, so that errors.Is and errors.As find it.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
