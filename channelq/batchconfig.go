package channelq

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// BatchConfig describes a batcher. The zero value hands over what is there, at
// most 100 items at a time.
type BatchConfig[T any] struct {
	// MaxItems is how many items a batch has at most. 0 means 100.
	MaxItems int

	// MaxWait is how long a batch that is not full waits for more, from the
	// moment the batcher took its first item. 0 means not at all: a batch is
	// what is there, at least one item.
	MaxWait time.Duration

	// Timeout bounds one call of the handler: its context is done, with ErrTimeout
	// as its cause. 0 means no bound.
	Timeout time.Duration

	// Retry says what happens to an item that failed. It is parked until its
	// time has come and then goes into the next batch, before items from the
	// queue. While more items than the queue's capacity are parked, nothing is
	// taken from the queue.
	Retry Retry

	// The others are those of [WorkerConfig].
	OnGiveUp        func(ctx context.Context, item T, err error)
	OnSettled       func(item T, outcome Outcome, err error)
	Describe        func(item T) string
	Drain           Drain
	KeepFailures    int
	OnLeftover      func(ctx context.Context, items []T) error
	LeftoverReserve time.Duration
	Detach          bool
	Logger          *slog.Logger
}

func (c *BatchConfig[T]) validate() error {
	switch {
	case c.MaxItems < 0:
		return fmt.Errorf("MaxItems is negative: %d", c.MaxItems)
	case c.MaxWait < 0:
		return fmt.Errorf("MaxWait is negative: %v", c.MaxWait)
	case c.Timeout < 0:
		return fmt.Errorf("Timeout is negative: %v", c.Timeout)
	}
	if err := validReserve(c.LeftoverReserve, c.OnLeftover != nil); err != nil {
		return err
	}
	return c.Retry.validate()
}

// BatchError is returned by the handler of a [Batcher] when only some items of
// the batch failed: Failed has their positions in the batch and why. All others
// count as handled. Any other error means that the whole batch failed, and so does
// a position that is not in the batch, as nobody can tell which item was meant. An
// error in Failed may be marked with Permanent or RetryAfter.
type BatchError struct{ Failed map[int]error }

// fits reports whether every position is one of a batch of n.
func (e *BatchError) fits(n int) bool {
	for i := range e.Failed {
		if i < 0 || i >= n {
			return false
		}
	}
	return true
}

// Error returns the number of failed items.
func (e *BatchError) Error() string {
	return fmt.Sprintf("stead/channelq: %s of the batch failed", items(len(e.Failed)))
}

// Unwrap returns the errors of all failed items, in no particular order.
func (e *BatchError) Unwrap() []error {
	all := make([]error, 0, len(e.Failed))
	for _, err := range e.Failed {
		all = append(all, err)
	}
	return all
}
