package lifecycle

import "errors"

type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

// Logged marks err as an error that is in the log already. A handler of a queue or a
// function of a schedule that returns it has failed as with err, and the failure is not
// logged again; that a job of package periodic gives up is. The mark survives wrapping.
// Logged returns nil if err is nil.
func Logged(err error) error {
	if err == nil {
		return nil
	}
	return loggedError{err}
}

// IsLogged reports whether err, or an error it wraps, was marked with [Logged].
func IsLogged(err error) bool {
	var logged loggedError
	return errors.As(err, &logged)
}
