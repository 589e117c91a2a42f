// Package errs calls methods of errors of the user, which may panic, recurse
// without end, or call back their caller.
//
// It must not be called with a lock held: an Is that calls a method of the owner of
// the lock would wait for itself.
package errs

import (
	"errors"
	"fmt"
	"reflect"
)

// Inspect calls the methods of err that errors.Is, errors.As and printing call, and
// panics if one of them does. It also panics if err wraps errors without end, such
// as itself, because errors.Is would never return. The caller must catch the panic.
func Inspect(err error) {
	if err == nil {
		return
	}
	_ = err.Error()
	left := maxWrapped
	follow(err, 0, &left)
	var none *nobodys
	_ = errors.As(err, &none)
	_ = errors.Is(err, none)
}

// nobodys is an error that no error is or wraps.
type nobodys struct{}

func (*nobodys) Error() string { return "" }

const (
	maxWrapped = 1 << 22 // errors in one error; a batch may join one for each item
	maxDepth   = 10_000  // depth of joined errors
)

// follow panics if err wraps more than left errors.
func follow(err error, depth int, left *int) {
	for err != nil {
		if *left--; *left < 0 || depth > maxDepth {
			panic(fmt.Sprintf("%T wraps errors without end", err))
		}
		switch w := err.(type) { //nolint:errorlint // this walks the tree itself
		case interface{ Unwrap() error }:
			err = w.Unwrap()
		case interface{ Unwrap() []error }:
			for _, inner := range w.Unwrap() {
				follow(inner, depth+1, left)
			}
			return
		default:
			return
		}
	}
}

// Askable returns err. If the methods of err panic, it returns an error with what
// can be printed of it.
func Askable(err error) (safe error) {
	defer func() {
		if recover() != nil {
			safe = fmt.Errorf("%T: %v", err, err) //nolint:errorlint // what it wraps panics
		}
	}()
	Inspect(err)
	return err
}

// Is returns errors.Is, or false if that panics.
func Is(err, target error) (is bool) {
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	return errors.Is(err, target)
}

// As returns the result of errors.As, or false if that panics.
func As[T error](err error) (as T, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	ok = errors.As(err, &as)
	return as, ok
}

// Same reports whether err and target are identical. It calls no method.
func Same(err, target error) bool {
	return err != nil && target != nil && reflect.TypeOf(err) == reflect.TypeOf(target) &&
		reflect.ValueOf(err).Comparable() && reflect.ValueOf(target).Comparable() &&
		err == target //nolint:errorlint // compares identity
}
