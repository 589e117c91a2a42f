package guard_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

func TestCallReturnsTheErrorAsItIs(t *testing.T) {
	if err := guard.Call(func() error { return io.EOF }); err != io.EOF { //nolint:errorlint // identity is the point
		t.Errorf("Call = %v, want io.EOF itself", err)
	}
	if err := guard.Call(func() error { return nil }); err != nil {
		t.Errorf("Call = %v, want nil", err)
	}
}

func TestCallTurnsAPanicIntoAnErrorWithItsStack(t *testing.T) {
	for name, value := range map[string]any{"string": "boom", "error": io.ErrUnexpectedEOF, "nil": nil, "int": 7} {
		t.Run(name, func(t *testing.T) {
			err := guard.Call(func() error { explode(value); return nil })
			var caught *lifecycle.PanicError
			if !errors.As(err, &caught) {
				t.Fatalf("Call = %v, want a *PanicError", err)
			}
			if !strings.Contains(string(caught.Stack), "explode") {
				t.Errorf("the stack does not show who panicked:\n%s", caught.Stack)
			}
			if cause, ok := value.(error); ok && !errors.Is(err, cause) {
				t.Errorf("errors.Is(%v, %v) = false", err, cause)
			}
		})
	}
}

func TestRunReportsOnceHoweverTheFunctionEnds(t *testing.T) {
	cases := map[string]struct {
		fn   func() error
		want error
	}{
		"nil":    {func() error { return nil }, nil},
		"error":  {func() error { return io.EOF }, io.EOF},
		"panic":  {func() error { panic(io.EOF) }, io.EOF},
		"goexit": {func() error { leave(); return nil }, lifecycle.ErrGoexit},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			outcome := make(chan error, 2)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				guard.Run(c.fn, func(err error) { outcome <- err })
			}()
			<-ended
			if err := <-outcome; !errors.Is(err, c.want) {
				t.Errorf("outcome %v, want %v", err, c.want)
			} else if name == "goexit" {
				var caught *lifecycle.PanicError
				if !errors.As(err, &caught) || !strings.Contains(string(caught.Stack), "leave") {
					t.Errorf("the error does not show who called Goexit: %v", err)
				}
			}
			if len(outcome) != 0 {
				t.Error("done was called twice")
			}
		})
	}
}

func TestCallAllocatesNothing(t *testing.T) {
	var n int
	fn := func() error { n++; return nil }
	if got := testing.AllocsPerRun(100, func() { _ = guard.Call(fn) }); got != 0 {
		t.Errorf("%v allocations per call, want 0", got)
	}
}

func explode(value any) { panic(value) }

func leave() { runtime.Goexit() }

// nilPointerError is the error that a function returns by mistake when it returns a
// nil pointer of its own type.
type nilPointerError struct{ cause error }

func (e *nilPointerError) Error() string { return e.cause.Error() }
func (e *nilPointerError) Unwrap() error { return e.cause }

func TestCallTurnsAnErrorThatPanicsWhenAskedIntoAPanic(t *testing.T) {
	err := guard.Call(func() error { return (*nilPointerError)(nil) })
	var caught *lifecycle.PanicError
	if !errors.As(err, &caught) {
		t.Fatalf("Call = %T, want a *PanicError", err)
	}
	if !strings.Contains(string(caught.Stack), "nilPointerError") {
		t.Errorf("the stack does not name the error's type:\n%s", caught.Stack)
	}
}

// textlessError is the same of an error that wraps nothing.
type textlessError struct{ text string }

func (e *textlessError) Error() string { return e.text }

func TestCallTurnsAnErrorThatPanicsWhenPrintedIntoAPanic(t *testing.T) {
	for name, fn := range map[string]func() error{
		"returned":      func() error { return (*textlessError)(nil) },
		"panicked with": func() error { panic((*textlessError)(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			err := guard.Call(fn)
			var caught *lifecycle.PanicError
			if !errors.As(err, &caught) {
				t.Fatalf("Call = %T, want a *PanicError", err)
			}
			if err.Error() == "" {
				t.Error("it has no text")
			}
		})
	}
}
