package channelq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/internal/backoff"
)

// Retry says how often and when a failed item is retried. The zero value
// tries once. The delay before a retry is random between zero and a bound that
// starts at Initial and grows by Factor up to Max ("full jitter").
type Retry struct {
	Attempts int           // tries in all, the first one included; 0 and 1: no retry, and then the others here must be zero
	Initial  time.Duration // bound of the first delay; 0 means 500 ms
	Max      time.Duration // cap of all bounds; 0 means 1 min, or Initial if that is more
	Factor   float64       // growth of the bound, at least 1; 0 means 2

	// NoJitter makes every delay its bound instead of a random time up to it. With a
	// Factor of 1 the delay is always Initial. Items that failed together are then
	// retried together.
	NoJitter bool

	// If reports whether an error is worth a retry, usually with errors.Is or
	// errors.As. Nil retries every error that is not marked with [Permanent].
	If func(error) bool
}

func (r Retry) policy() backoff.Policy {
	return backoff.Policy{Initial: r.Initial, Max: r.Max, Factor: r.Factor, NoJitter: r.NoJitter}.Or(500*time.Millisecond, time.Minute)
}

func (r Retry) validate() error {
	if r.Attempts < 0 {
		return fmt.Errorf("Retry.Attempts is negative: %d", r.Attempts)
	}
	if err := r.policy().Validate(); err != nil {
		return fmt.Errorf("Retry.%w", err)
	}
	if field := r.idle(); field != "" {
		return fmt.Errorf("Retry.%s has no effect: Retry.Attempts counts all tries, and %d means no retry", field, r.Attempts)
	}
	return nil
}

// idle names a field that says how to try again while Attempts says not to.
func (r Retry) idle() string {
	switch {
	case r.Attempts > 1:
		return ""
	case r.Initial != 0:
		return "Initial"
	case r.Max != 0:
		return "Max"
	case r.Factor != 0:
		return "Factor"
	case r.NoJitter:
		return "NoJitter"
	case r.If != nil:
		return "If"
	}
	return ""
}

// Drain says what a stop does with items that are not started.
type Drain uint8

// The kinds of stop.
const (
	HandleOnStop Drain = iota // they are handled while there is time
	DropOnStop                // they are handed to OnLeftover at once: they are safe elsewhere
)

// WorkerConfig describes workers. The zero value works: one worker per CPU, no
// retry, no timeout.
type WorkerConfig[T any] struct {
	// Concurrency is how many items are handled at a time. 0 means GOMAXPROCS.
	Concurrency int

	// Timeout bounds one attempt: the handler's context is done, with ErrTimeout as
	// its cause. A handler that ignores its context keeps its worker. 0 means no
	// bound.
	Timeout time.Duration

	// Retry says what happens to an item whose handler failed. Until its time
	// has come the item is parked and holds no worker, unless as many items as
	// the queue's capacity are parked already: then it keeps its worker.
	Retry Retry

	// OnGiveUp is called with an item that failed for the last time and a *[GiveUpError],
	// on the worker's goroutine, with the handler's context, and counts as part
	// of handling the item. A panic is caught, counted and logged. If nil, the item
	// is only counted, logged and listed in Failures.
	OnGiveUp func(ctx context.Context, item T, err error)

	// KeepFailures is how many items that failed for the last time Failures lists; the
	// oldest go first. 0 means 100, negative none.
	KeepFailures int

	// OnLeftover gets, once, what a stop did not have handled: items whose handler
	// was given up on, then the ones that are parked, then the rest of the queue in
	// order. Its context has not ended when it is called, and ends a little before
	// the stop's deadline. When it returns nil the items count as taken care of and
	// Stop returns nil. If nil, they are lost, and Stop says how many.
	OnLeftover func(ctx context.Context, items []T) error

	// LeftoverReserve is how long OnLeftover has at least, before the deadline of the
	// stop: handlers are cut short so much earlier. It is never more than half of what
	// remains when the stop begins. 0 means a tenth of that, at least 500 ms and at
	// most 1 s. What handlers do not use OnLeftover may use.
	LeftoverReserve time.Duration

	// Detach leaves the queue open at a stop: the workers only stop taking, and
	// what is in the queue stays there for others.
	Detach bool

	// Key, if not nil, gives the ordering key of an item. Items of one key are
	// handled one at a time in the order in which they were enqueued, a retry
	// before the items behind it, while other keys go on. What waits for its key
	// is parked; when that is as much as the queue's capacity (or 1 for a
	// rendezvous), nothing more is taken. Key is called on a worker's goroutine;
	// an item it panics for is given up. Every item then passes a lock that all
	// workers share, which quick handlers notice.
	Key func(item T) string

	// KeyLimit is how many items of one key may be handled at a time. With more than
	// one they start in order, but may end in another. If zero, 1 is used. It has no
	// effect without Key.
	KeyLimit int

	// RateLimit is how many attempts may start per second, over all workers. If zero,
	// there is no limit. Burst is how many may start at once. If zero, 1 is used.
	RateLimit rate.Limit
	Burst     int

	// Limiter is used in place of RateLimit. Wait is called before every attempt and
	// blocks until the attempt may start. If Wait returns an error, the attempt fails
	// with it, unless the workers are stopping. Several workers may share a Limiter. If
	// nil, RateLimit is used.
	Limiter interface {
		Wait(ctx context.Context) error
	}

	// Limit bounds how many handlers run at a time over several components: workers of
	// several queues, and schedulers of package periodic. A *semaphore.Weighted of
	// golang.org/x/sync is one. A worker acquires 1 for an item that is there, before
	// its attempt and its Timeout begin, and releases it after the attempt. An item that
	// waits for the limit is parked: no worker holds it, and a stop hands it over
	// without waiting for the limit. If nil, there is no limit.
	Limit interface {
		Acquire(ctx context.Context, n int64) error
		Release(n int64)
	}

	// Skip reports whether an item is not to be handled any more, for example as its
	// campaign was canceled. It is called before the rate is waited for, and again
	// before the attempt begins, a retry included. A skipped item counts as skipped. A
	// panic of Skip is caught, counted and logged, and does not skip. If nil, all items
	// are handled.
	Skip func(item T) bool

	// OnSettled is called exactly once for every item that the queue accepted, without
	// a lock, when it is known what became of the item: also for items that the queue
	// dropped or coalesced, on the goroutine of the producer, and for what is left over
	// by the stop, after OnLeftover. If OnLeftover has not returned at the deadline of the
	// stop, it is called then, on a goroutine of its own that Stop does not wait for: the
	// items count as lost, whatever OnLeftover returns later. Items taken by hand are not
	// settled. err is a
	// *[GiveUpError] for GaveUp, and for Leftover the error of the stop, nil if
	// OnLeftover took the item. An item that Requeue puts back is accepted again: it
	// is settled once more, with a *[RequeuedError]. An item that Discard takes off the
	// list of failures is reported once more, as Discarded, after its GaveUp. A queue
	// can have one OnSettled, whose workers are told of the items of all its
	// consumers. It may use the queue as OnDrop may, but must not wait for the stop of
	// the workers. A panic is caught, counted and logged. If nil, it is not called.
	OnSettled func(item T, outcome Outcome, err error)

	// Describe returns what names an item in the log, on the page and in Failures, such
	// as the number of an order. It is called for items that fail. If nil, items are not
	// named: they may hold what must not be in a log.
	Describe func(item T) string

	// Drain says what a stop does with items that are not started. If zero,
	// HandleOnStop is used.
	Drain Drain

	// Logger gets a Warn for a retry and for items left over, or an Info if
	// OnLeftover took them, an Error for an item given up, and a Debug when the
	// workers start and stop. If nil, that of the host; without one, it discards.
	Logger *slog.Logger
}

func (c *WorkerConfig[T]) validate() error {
	switch {
	case c.Concurrency < 0:
		return fmt.Errorf("Concurrency is negative: %d", c.Concurrency)
	case c.Timeout < 0:
		return fmt.Errorf("Timeout is negative: %v", c.Timeout)
	case !(c.RateLimit >= 0): // NaN, as of 0/0, would be no limit
		return fmt.Errorf("RateLimit is negative or not a number: %v", c.RateLimit)
	case c.Burst < 0:
		return fmt.Errorf("Burst is negative: %d", c.Burst)
	case c.Limiter != nil && c.RateLimit != 0:
		return errors.New("RateLimit has no effect beside Limiter")
	case c.KeyLimit < 0:
		return fmt.Errorf("KeyLimit is negative: %d", c.KeyLimit)
	case c.KeyLimit > 0 && c.Key == nil:
		return errors.New("KeyLimit has no effect without Key")
	case c.Drain > DropOnStop:
		return fmt.Errorf("Drain is unknown: %d", c.Drain)
	}
	if err := validReserve(c.LeftoverReserve, c.OnLeftover != nil); err != nil {
		return err
	}
	return c.Retry.validate()
}

func validReserve(d time.Duration, used bool) error {
	switch {
	case d < 0:
		return fmt.Errorf("LeftoverReserve is negative: %v", d)
	case d > 0 && !used:
		return errors.New("LeftoverReserve has no effect without OnLeftover")
	}
	return nil
}

func (c *WorkerConfig[T]) concurrency() int {
	if c.Concurrency == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return c.Concurrency
}

func newLimiter(limit rate.Limit, burst int) *rate.Limiter {
	if limit == 0 {
		return nil
	}
	return rate.NewLimiter(limit, max(burst, 1))
}
