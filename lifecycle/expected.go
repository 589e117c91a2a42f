package lifecycle

import "errors"

// Expected returns err, marked as part of normal operation: a mailbox that does not
// exist, an order that was withdrawn. An item that was given up, or a run that failed,
// with an expected error is counted and listed like any other, and does not turn the
// dashboard red. [errors.Is] and [errors.As] reach err. Expected returns nil if err is
// nil. A store that keeps the text of an error does not keep the mark.
func Expected(err error) error {
	if err == nil {
		return nil
	}
	return &expectedError{err}
}

// IsExpected reports whether err, or an error that it wraps, was marked by [Expected].
func IsExpected(err error) bool {
	_, ok := errors.AsType[*expectedError](err)
	return ok
}

type expectedError struct{ err error }

func (e *expectedError) Error() string { return e.err.Error() }
func (e *expectedError) Unwrap() error { return e.err }
