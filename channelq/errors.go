package channelq

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a call of a queue fails with, to be found with errors.Is. The errors
// returned name the queue.
var (
	ErrClosed  = errors.New("queue closed") // enqueue after Close; dequeue after Close when nothing is left
	ErrFull    = errors.New("queue full")   // no room, and the call may not wait
	ErrDropped = errors.New("item dropped") // no room in DropWrite mode, or a rendezvous nobody waits at
	ErrEmpty   = errors.New("queue empty")  // nothing there for TryDequeue
)

// ErrInside is what Stop and Flush return, at once, when they are called with the
// context of one of the handlers they would wait for.
var ErrInside = errors.New("called from inside a handler")

// ErrStopping is the cause of a handler's canceled context when its workers
// stop and the time to drain has ended.
var ErrStopping = errors.New("stead/channelq: stopping, the time to drain has passed")

// ErrTimeout is the cause of a handler's canceled context when one attempt took
// longer than Timeout.
var ErrTimeout = fmt.Errorf("stead/channelq: handler timeout: %w", context.DeadlineExceeded)

// errLeftoverRuns is in a LeftoverError when the stop's deadline came first.
var errLeftoverRuns = fmt.Errorf("OnLeftover is still running: %w", context.DeadlineExceeded)

// LeftoverError is what a stop returns when it could not have everything
// handled: N items were accepted by the queue and not handled.
type LeftoverError struct {
	Queue string
	N     int
	Err   error // what OnLeftover returned; nil if there is none
}

// Error names the queue and the number.
func (e *LeftoverError) Error() string {
	msg := fmt.Sprintf("stead/channelq: stop %q: %s left over", e.Queue, items(e.N))
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg
}

// Unwrap returns Err.
func (e *LeftoverError) Unwrap() error { return e.Err }

func items(n int) string {
	if n == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", n)
}

// GiveUpError is what OnGiveUp gets: the item failed for the last time after this many
// attempts, the last one with Err.
type GiveUpError struct {
	Queue    string
	ID       int64 // of the [Failure] that will be listed, in the log and on the dashboard too; 0 means none is kept
	Attempts int
	Err      error
}

// Error names the queue, the number of attempts and the last error.
func (e *GiveUpError) Error() string {
	return fmt.Sprintf("stead/channelq: handle %q: gave up after attempt %d: %v", e.Queue, e.Attempts, e.Err)
}

// Unwrap returns Err.
func (e *GiveUpError) Unwrap() error { return e.Err }

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks err as one that no retry can fix: the item is given up at
// once. The mark survives wrapping. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// IsPermanent reports whether err, or an error it wraps, was marked with
// [Permanent]. It is for engines that run handlers in the place of [Workers].
func IsPermanent(err error) bool {
	var permanent permanentError
	return errors.As(err, &permanent)
}

type retryAfterError struct {
	error
	after time.Duration
}

func (e retryAfterError) Unwrap() error { return e.error }

// RetryAfter marks err with the time the next attempt has to wait, in place of
// the backoff; a negative d is 0. It grants no attempt beyond Retry.Attempts.
// The mark survives wrapping. RetryAfter(nil, d) is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return retryAfterError{err, max(d, 0)}
}

// RetryDelay returns the delay that err, or an error it wraps, was marked with by
// [RetryAfter]; false if there is none.
func RetryDelay(err error) (time.Duration, bool) {
	var asked retryAfterError
	if !errors.As(err, &asked) {
		return 0, false
	}
	return asked.after, true
}

// withCause is err with what ended ctx, unless it says so already.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// refusals are the errors of one queue, made once so that a refused call
// allocates nothing.
type refusals struct {
	full, dropped, empty error
}

func newRefusals(name string) refusals {
	return refusals{
		full:    fmt.Errorf("stead/channelq: enqueue %q: %w", name, ErrFull),
		dropped: fmt.Errorf("stead/channelq: enqueue %q: %w", name, ErrDropped),
		empty:   fmt.Errorf("stead/channelq: dequeue %q: %w", name, ErrEmpty),
	}
}

// closing is why a queue was closed, with the errors that say so.
type closing struct {
	cause            error // nil after a plain Close
	enqueue, dequeue error
}

// outlived is added to the error of an enqueue when it was the consumer's stop
// that closed the queue: either the two were registered the wrong way round, or the
// producer is a goroutine that nobody stops, such as one that a handler started.
const outlived = " (its consumer was stopped and a producer outlived it: register consumers before producers," +
	" and let no goroutine enqueue that nobody stops)"

func newClosing(name string, cause error, reason string) *closing {
	say := func(verb string) error {
		if cause == nil {
			return fmt.Errorf("stead/channelq: %s %q: %w", verb, name, ErrClosed)
		}
		return fmt.Errorf("stead/channelq: %s %q: %w: %w", verb, name, ErrClosed, cause)
	}
	c := &closing{cause: cause, enqueue: say("enqueue"), dequeue: say("dequeue")}
	if reason != "" {
		c.enqueue = fmt.Errorf("%w%s", c.enqueue, reason)
	}
	return c
}
