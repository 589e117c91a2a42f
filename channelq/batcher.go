package channelq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/backoff"
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

	// Timeout bounds one call of the handler: its context ends, with ErrTimeout
	// as its cause. 0 means no bound.
	Timeout time.Duration

	// Retry says what happens to an item that failed. It is parked until its
	// time has come and then goes into the next batch, before items from the
	// queue. While more items than the queue's capacity are parked, nothing is
	// taken from the queue.
	Retry Retry

	// OnGiveUp, KeepFailures, OnLeftover, LeftoverReserve, Detach and Logger are
	// those of [WorkerConfig].
	OnGiveUp        func(ctx context.Context, item T, err error)
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

// Batcher hands the items of one queue to a handler in batches, one batch at a
// time, so that batches keep the queue's order. Make it with [NewBatcher]; it
// has the Start and Stop of a hosted service. All methods may be called from any
// goroutine.
//
// A panic of the handler and a runtime.Goexit in it are failures of the whole
// batch. Items that were taken for a batch that is not full yet count as in
// progress.
type Batcher[T any] struct {
	consumer[T]
	handle  func(context.Context, []T) error
	cfg     BatchConfig[T]
	backoff backoff.Policy

	// Of the worker goroutine, and of who abandoned it: see slot.
	state atomic.Uint32
	hand  []entry[T] // what it has taken
	fates []fate     // of the items in hand, as far as they are decided
	// settling: the handler has returned, with outcome, and the fates are being decided.
	settling bool
	outcome  error
	taken    uint64 // from the queue, ever
	runs     uint64 // attempts

	// Guarded by mu.
	turn    context.Context // ends the wait of the worker
	recall  context.CancelFunc
	alive   bool // there is a worker, and it was not abandoned
	resting bool
	flushes []*flush
	lost    []T
}

// NewBatcher makes a batcher that calls handle for the items of q. It fails when
// the configuration makes no sense, naming the field, and when q has a consumer
// already that closes it at its stop. One that nobody adds to a host is as silent
// as forgotten [Workers]; hosted.Watch(q) at the producer tells, see [NewWorkers].
//
// The slice belongs to the handler for good: it may be kept. Its context is that
// of the handler of [NewWorkers].
func NewBatcher[T any](q *Queue[T], handle func(ctx context.Context, items []T) error, cfg BatchConfig[T]) (*Batcher[T], error) {
	if q == nil || handle == nil {
		return nil, errors.New("stead/channelq: new batcher: the queue or the handler is nil")
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("stead/channelq: new batcher %q: %w", q.name, err)
	}
	if !cfg.Detach && !q.claim() {
		return nil, fmt.Errorf("stead/channelq: new batcher %q: the queue has a consumer already that closes it", q.name)
	}
	if cfg.MaxItems == 0 {
		cfg.MaxItems = 100
	}
	b := &Batcher[T]{
		consumer: newConsumer(q, cfg.Logger, cfg.KeepFailures),
		handle:   handle, cfg: cfg, backoff: cfg.Retry.policy(),
	}
	b.crew, b.detach = b, cfg.Detach
	b.onLeftover, b.reserve = cfg.OnLeftover, cfg.LeftoverReserve
	b.turn, b.recall = context.WithCancel(context.Background())
	return b, nil
}

// Start starts the batcher and returns at once; see [Workers.Start].
func (b *Batcher[T]) Start(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	b.log.Debug("batcher started", slog.Int("max_items", b.cfg.MaxItems))
	return nil
}

// flush is one call of Flush.
type flush struct {
	seen bool          // by the worker, which then set till
	till uint64        // it is done when so many items were taken, and handled
	done chan struct{} // closed when it is done
}

// Flush hands over everything that was enqueued before the call without waiting
// for full batches, and returns when the handler has returned for all of it. An
// item that failed counts: its retry is not waited for. It fails with an error
// that wraps ctx.Err() when ctx ends first, with ErrClosed when the batcher has
// ended, and with ErrInside when it is called with the handler's own context.
func (b *Batcher[T]) Flush(ctx context.Context) error {
	if b.inside(ctx) {
		return fmt.Errorf("stead/channelq: flush %q: %w", b.q.name, ErrInside)
	}
	f := &flush{done: make(chan struct{})}
	b.mu.Lock()
	b.flushes = append(b.flushes, f)
	b.recall()
	b.mu.Unlock()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return withCause(ctx, fmt.Errorf("stead/channelq: flush %q: %w", b.q.name, ctx.Err()))
	case <-b.done:
	}
	if b.left > 0 || b.q.Len() > 0 {
		return fmt.Errorf("stead/channelq: flush %q: %w", b.q.name, ErrClosed)
	}
	return nil // all of it was handled on the way to the end
}
