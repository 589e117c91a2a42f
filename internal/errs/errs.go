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

// most is how many errors a tree may have. A larger one is taken for one that has no
// end, as when an Unwrap returns its own error.
const most = 10_000

// Tame returns err if it can be asked what errors.Is, errors.As and whoever prints it
// will ask. If it panics then, Tame does too: call it where that is caught. Of an
// error whose tree has no end it returns one with the same text and nothing inside,
// which errors.Is still finds.
func Tame(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	left := most
	if !finite(err, &left) {
		return &endless{err, text}
	}
	var none *endless
	_ = errors.As(err, &none)
	_ = errors.Is(err, errAny)
	return err
}

var errAny = errors.New("any")

func finite(err error, left *int) bool {
	for err != nil {
		if *left--; *left < 0 {
			return false
		}
		switch w := err.(type) { //nolint:errorlint // this walks the tree itself
		case interface{ Unwrap() error }:
			err = w.Unwrap()
		case interface{ Unwrap() []error }:
			for _, part := range w.Unwrap() {
				if !finite(part, left) {
					return false
				}
			}
			return true
		default:
			return true
		}
	}
	return true
}

// endless stands for an error whose tree has no end.
type endless struct {
	err  error
	text string
}

func (e *endless) Error() string        { return e.text }
func (e *endless) Is(target error) bool { return Same(e.err, target) }

// Askable is Tame for one who cannot have a panic: of an error that panics it returns
// what can be printed of it.
func Askable(err error) (safe error) {
	defer func() {
		if recover() != nil {
			safe = fmt.Errorf("%T: %v", err, err) //nolint:errorlint // what it wraps panics
		}
	}()
	return Tame(err)
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
