package errs_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/steadgo/stead/internal/errs"
)

// Errors whose methods do what those of errors should not.
type (
	itself  struct{ _ int }
	further struct{ n int }
	tree    struct{ n int }
	panics  struct{ in string }
	list    []error // cannot be compared
	deep    struct{ any }
)

func (itself) Error() string    { return "itself" }
func (e *itself) Unwrap() error { return e }
func (further) Error() string   { return "further" }
func (e further) Unwrap() error { return further{e.n + 1} }
func (tree) Error() string      { return "tree" }
func (e tree) Unwrap() []error  { return []error{tree{e.n + 1}, tree{e.n + 2}} }
func (list) Error() string      { return "list" }
func (deep) Error() string      { return "deep" }
func (e panics) fail(what string) {
	if e.in == what {
		panic("ouch")
	}
}
func (e panics) Error() string { e.fail("Error"); return "panics" }
func (e panics) Is(error) bool { e.fail("Is"); return false }
func (e panics) As(any) bool   { e.fail("As"); return false }
func (e panics) Unwrap() error { e.fail("Unwrap"); return nil }

func TestAnErrorWithoutAnEndIsPrintedAndNotFollowed(t *testing.T) {
	self := &itself{}
	for _, err := range []error{self, further{}, tree{}, fmt.Errorf("outer: %w", self), errors.Join(io.EOF, tree{})} {
		got := errs.Askable(err)
		if !strings.Contains(got.Error(), err.Error()) || errors.Is(got, io.ErrUnexpectedEOF) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestAnErrorThatCanBeAskedStaysWhatItIs(t *testing.T) {
	for _, err := range []error{io.EOF, fmt.Errorf("a: %w", errors.Join(io.EOF, list{io.EOF})), list{}, deep{list{}}} {
		if got := errs.Askable(err); fmt.Sprintf("%T", got) != fmt.Sprintf("%T", err) {
			t.Errorf("%v became %T", err, got)
		}
	}
	if errs.Askable(nil) != nil {
		t.Error("nothing became an error")
	}
}

func TestAnErrorThatPanicsIsPrintedWhereNobodyCatches(t *testing.T) {
	for _, in := range []string{"Error", "Is", "As", "Unwrap"} {
		err := panics{in}
		if got := errs.Askable(err); errors.Is(got, io.EOF) || got.Error() == "" {
			t.Errorf("%s: %v", in, got)
		}
		if errs.Is(err, io.EOF) {
			t.Errorf("%s: it is one of another kind", in)
		}
		if _, ok := errs.As[*itself](err); ok {
			t.Errorf("%s: found what is not there", in)
		}
	}
}

func TestSameAsksNoMethodAndDoesNotPanic(t *testing.T) {
	all := []error{nil, io.EOF, list{}, deep{list{}}, deep{1}, deep{2}, panics{"Is"}}
	for i, a := range all {
		for j, b := range all {
			want := i == j && a != nil && i != 2 && i != 3
			if got := errs.Same(a, b); got != want {
				t.Errorf("%T and %T: %v", a, b, got)
			}
		}
	}
	if !errs.Is(fmt.Errorf("a: %w", io.EOF), io.EOF) {
		t.Error("Is finds nothing")
	}
	if _, ok := errs.As[list](errors.Join(list{})); !ok {
		t.Error("As finds nothing")
	}
}
