package guard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// selfError wraps itself.
type selfError struct{}

func (selfError) Error() string   { return "self" }
func (e selfError) Unwrap() error { return e }

// broodError wraps itself twice.
type broodError struct{}

func (broodError) Error() string     { return "brood" }
func (e broodError) Unwrap() []error { return []error{e, e} }

// pairError wraps one that wraps it.
type pairError struct{ other *pairError }

func (*pairError) Error() string   { return "pair" }
func (e *pairError) Unwrap() error { return e.other }

func TestCallTurnsAnErrorThatWrapsItselfIntoAPanic(t *testing.T) {
	one := &pairError{}
	one.other = &pairError{one}
	for _, endless := range []error{selfError{}, broodError{}, one, fmt.Errorf("wrapped: %w", selfError{}), errors.Join(one, nil)} {
		for name, fn := range map[string]func() error{
			"returned":      func() error { return endless },
			"panicked with": func() error { panic(endless) },
		} {
			err := guard.Call(fn)
			var caught *lifecycle.PanicError
			if !errors.As(err, &caught) || errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s %T: %v", name, endless, err)
			}
			if name == "returned" && !strings.Contains(err.Error(), "without end") {
				t.Errorf("%T: the text does not say why: %v", endless, err)
			}
		}
	}
}

func TestCallReturnsAnErrorThatWrapsManyAsItIs(t *testing.T) {
	many := make([]error, 20_000)
	for i := range many {
		many[i] = errors.ErrUnsupported
	}
	long := errors.Join(many...)
	for range 100 {
		long = fmt.Errorf("%w", long)
	}
	if err := guard.Call(func() error { return long }); err != long { //nolint:errorlint // identity is the point
		t.Error("the error was replaced")
	}
}
