package channelq

import (
	"errors"
	"time"

	"github.com/steadgo/stead/internal/backoff"
	"github.com/steadgo/stead/lifecycle"
)

// decision is what becomes of an item after an attempt.
type decision uint8

const (
	handled     decision = iota
	retry                // another attempt, later
	gaveUp               // the attempt was the last one
	skipped              // Skip did not want an attempt
	interrupted          // the attempt failed while a stop was canceling handlers: the item is left over
)

// result is the decision on one item, with what it needs.
type result struct {
	decision decision
	err      error         // of the attempt
	id       int64         // of the failure, if the item was given up
	delay    time.Duration // until the next attempt
}

// decide decides what becomes of an item whose attempt failed.
func (c *consumer) decide(attempts int, err error) decision {
	switch {
	case IsPermanent(err):
		return gaveUp
	case c.base.Err() != nil:
		return interrupted
	case attempts >= c.retry.Attempts, c.retry.If != nil && !c.worthRetry(err):
		return gaveUp
	}
	return retry
}

// worthRetry asks Retry.If. A panic of it gives the item up.
func (c *consumer) worthRetry(err error) (worth bool) {
	c.callback("retry filter panicked", func() { worth = c.retry.If(err) })
	return worth
}

// countPanic counts err if it is a panic of code asked before an attempt.
func (c *consumer) countPanic(err error) error {
	var caught *lifecycle.PanicError
	if errors.As(err, &caught) {
		c.q.counters.panics.Add(1)
	}
	return err
}

// callback is that of the queue, with the consumer's log.
func (c *consumer) callback(failed string, call func()) {
	c.q.callback(&c.log, failed, call)
}

// retryDelay returns how long a failed item waits for its next attempt.
func retryDelay(p backoff.Policy, attempts int, err error) time.Duration {
	if asked, ok := RetryDelay(err); ok {
		return asked
	}
	return p.Delay(attempts)
}
