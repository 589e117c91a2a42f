package channelq

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/backoff"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// verdict is what becomes of an item after an attempt.
type verdict uint8

const (
	handled verdict = iota
	again           // another attempt, later
	gaveUp
	cut // the attempt failed while a stop was cancelling handlers: left over
)

// inspect asks err, while a panic in it still counts as one of the handler, all that
// is asked later: what it is then is known to come to an end.
func inspect(err error) {
	if err == nil {
		return
	}
	guard.Inspect(err)
	_ = IsPermanent(err)
	_, _ = RetryDelay(err)
	var partial *BatchError
	_ = errors.As(err, &partial)
	_ = errors.Is(err, ErrStopping) || errors.Is(err, ErrTimeout)
}

// judge decides what becomes of an item whose attempt failed.
func (c *consumer[T]) judge(r Retry, attempts int, err error) verdict {
	switch {
	case IsPermanent(err):
		return gaveUp
	case c.base.Err() != nil:
		return cut
	case attempts >= r.Attempts, r.If != nil && !c.worthIt(r, err):
		return gaveUp
	}
	return again
}

// worthIt asks Retry.If; one that panics is no reason to go on.
func (c *consumer[T]) worthIt(r Retry, err error) (worth bool) {
	caught := guard.Call(func() error { worth = r.If(err); return nil })
	if caught != nil {
		c.q.books.panics.Add(1)
		c.log.Error("retry filter panicked", slog.Any("error", caught))
	}
	return worth
}

// giveUp tells who wants to know that an item failed for good.
func (c *consumer[T]) giveUp(tell func(context.Context, T, error), item T, err *GiveUpError) {
	args := append(inLog(err.Err), slog.Int("attempt", err.Attempts))
	if err.ID = c.failed.reserve(); err.ID > 0 {
		args = append(args, slog.Int64("id", err.ID))
	}
	c.log.Error("item given up", args...)
	if tell == nil {
		return
	}
	caught := guard.Call(func() error { tell(c.base, item, err); return nil })
	if caught != nil {
		c.q.books.panics.Add(1)
		c.log.Error("give-up callback panicked", slog.Any("error", caught))
	}
}

// inLog is what the log says of an error: with the stack if it was a panic.
func inLog(err error) []any {
	args := []any{slog.Any("error", err)}
	var caught *lifecycle.PanicError
	if errors.As(err, &caught) {
		args = append(args, slog.String("stack", string(caught.Stack)))
	}
	return args
}

// delay is how long a failed item waits for its next attempt.
func (c *consumer[T]) delay(p backoff.Policy, attempts int, err error) time.Duration {
	d := p.Delay(attempts)
	if asked, ok := RetryDelay(err); ok {
		d = asked
	}
	c.log.Warn("attempt failed, will retry",
		append(inLog(err), slog.Int("attempt", attempts), slog.Duration("delay", d))...)
	return d
}
