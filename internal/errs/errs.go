// Package errs asks errors that belong to somebody else. Their methods are code like
// any other: they may panic, go round in a circle, and call back whoever asks.
//
// Never ask under a lock: an Is that calls a method of the lock's owner would wait
// for itself.
package errs

import (
	"errors"
	"fmt"
	"reflect"
)

// Inspect asks err what errors.Is, errors.As and whoever prints it will ask. If it
// panics then, Inspect does too: call it where that is caught. So it does for one that
// wraps errors without end, such as itself: errors.Is would never return.
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

// nobodys is an error that nothing is or wraps.
type nobodys struct{}

func (*nobodys) Error() string { return "" }

const (
	maxWrapped = 1 << 22 // errors in one: a batch may join one for each of its items
	maxDepth   = 10_000  // of errors that join several
)

// follow panics when err wraps more than left errors.
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

// Askable returns err, or if it panics when it is inspected what can be printed of it.
func Askable(err error) (safe error) {
	defer func() {
		if recover() != nil {
			safe = fmt.Errorf("%T: %v", err, err) //nolint:errorlint // what it wraps panics
		}
	}()
	Inspect(err)
	return err
}

// Is is errors.Is, or false if that panics.
func Is(err, target error) (is bool) {
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	return errors.Is(err, target)
}

// As is errors.As, or false if that panics.
func As[T error](err error) (as T, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	ok = errors.As(err, &as)
	return as, ok
}

// Same reports whether err is target itself. No method is called.
func Same(err, target error) bool {
	return err != nil && target != nil && reflect.TypeOf(err) == reflect.TypeOf(target) &&
		reflect.ValueOf(err).Comparable() && reflect.ValueOf(target).Comparable() &&
		err == target //nolint:errorlint // this very one
}
