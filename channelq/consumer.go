package channelq

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/internal/stopping"
)

// consumer is what Workers and a Batcher have in common: the books of failures,
// and a life that begins with Start and ends by itself or by Stop. Their
// exported methods are theirs.
type consumer[T any] struct {
	q          *Queue[T]
	log        safelog.Log
	onLeftover func(context.Context, []T) error
	reserve    time.Duration // for onLeftover; 0: the usual one
	detach     bool
	failed     failures[T]
	base       context.Context // of every handler
	cancel     context.CancelCauseFunc
	poke       chan struct{} // tells manage to look again

	crew crew[T] // whose life it is

	mu       sync.Mutex
	parked   parking[T]
	drained  bool // the queue is closed and nothing is left in it
	started  bool
	stopping bool            // Stop was called
	ending   bool            // workers leave instead of looking for another item
	stopCtx  context.Context // of the Stop that counts
	plan     plan

	done   chan struct{}
	result error // of Stop; this and the next two are valid once done is closed
	err    error
	left   int
	stuck  int // of them in the hands of handlers that did not return
}

// crew is the part of a consumer that differs: who handles, and how.
type crew[T any] interface {
	// step does what is to be done at that time. It returns when to be called
	// again at the latest, zero if only a poke can bring something new, or that
	// no worker is left.
	step(now time.Time) (next time.Time, over bool)
	// wakeLocked fetches the workers that wait, to look around.
	wakeLocked()
	// lostLocked is what was in the hands of handlers that were given up on.
	lostLocked() []T
}

func newConsumer[T any](q *Queue[T], l *slog.Logger, keep int) consumer[T] {
	if keep == 0 {
		keep = 100
	}
	q.manned.Store(true)
	return consumer[T]{
		q: q, log: safelog.NewLog(l, "queue", q.name), failed: failures[T]{max: max(keep, 0)},
		poke: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// start starts manage, unless it is too late.
func (c *consumer[T]) start(ctx context.Context) error {
	if ctx.Err() != nil {
		return withCause(ctx, fmt.Errorf("stead/channelq: start %q: %w", c.q.name, ctx.Err()))
	}
	// The key is an address that only this package can name. What handlers enqueue
	// elsewhere is part of the drain, no new work.
	base := context.WithValue(stopping.Without(context.WithoutCancel(ctx)), &c.q.own, c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.stopping {
		return fmt.Errorf("stead/channelq: start %q: started or stopped before", c.q.name)
	}
	c.started = true
	c.q.begun.Store(true)
	c.base, c.cancel = context.WithCancelCause(base)
	go c.manage()
	return nil
}

// inside reports whether ctx comes from one of the handlers.
func (c *consumer[T]) inside(ctx context.Context) bool {
	from, _ := ctx.Value(&c.q.own).(*consumer[T])
	return from == c
}

// InheritLogger gives a consumer that has no Logger in its configuration that of
// its host, which calls it before the start, and hands it on to the queue. It may
// be called at any time; see package hosted, Logging.
func (c *consumer[T]) InheritLogger(l *slog.Logger) {
	c.log.Inherit(l)
	c.q.InheritLogger(l)
}

// Name returns the name of the queue.
func (c *consumer[T]) Name() string { return c.q.name }

// Observed returns the queue, so that a host can tell several consumers of one
// queue from two queues of one name.
func (c *consumer[T]) Observed() any { return c.q }

// Counts is that of Stats.
func (c *consumer[T]) Counts() map[string]uint64 { return c.Stats().Counts() }

// Backlog returns how many items are still to be handled: those in the queue, in
// progress and parked.
func (c *consumer[T]) Backlog() int {
	s := c.q.Stats()
	return s.Depth + s.InProgress + s.Parked
}

// Stats returns the books of the queue, which count what all its consumers did.
func (c *consumer[T]) Stats() Stats {
	s := c.q.Stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	if due := c.parked.oldestDue(); !due.IsZero() && (s.OldestDue.IsZero() || due.Before(s.OldestDue)) {
		s.OldestDue = due
	}
	return s
}

// Done is closed when the consumer has ended: by itself, because the queue was
// closed and everything in it was handled, or by Stop.
func (c *consumer[T]) Done() <-chan struct{} { return c.done }

// Err is nil until Done is closed. Then it is what Stop returned or, if the
// consumer ended by itself, what the queue was closed with.
func (c *consumer[T]) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Stuck is how many items were in the hands of handlers that the stop gave up on,
// because they did not return. A host names the consumer as a straggler then,
// with the stacks of these handlers. It is 0 until Done is closed.
func (c *consumer[T]) Stuck() int {
	select {
	case <-c.done:
		return c.stuck
	default:
		return 0
	}
}

// Leftover returns how many items the stop did not have handled. Those that
// OnLeftover took count too: whether it did is in the result of Stop. It is 0 until
// Done is closed.
func (c *consumer[T]) Leftover() int {
	select {
	case <-c.done:
		return c.left
	default:
		return 0
	}
}

// Stop closes the queue, unless Detach, and waits until everything in it is
// handled. A parked item is waited for if it comes due in time. Shortly before
// ctx's deadline, by a tenth of what remains and at most one second, and by
// LeftoverReserve more if there is an OnLeftover, it cancels the handlers with the
// cause ErrStopping, waits for them to end, gives up on those that do not, and hands
// what is left to OnLeftover, all before the deadline. Without a deadline it drains
// until ctx is cancelled; a ctx that is cancelled already skips the drain. Handlers
// and OnLeftover then still get a tenth of a second each, whatever LeftoverReserve
// says.
//
// It returns a *[LeftoverError] unless nothing was left or OnLeftover returned
// nil. It may be called before Start, more than once and from any goroutine. The
// first call's ctx bounds the stop, that of a later one only its own wait. With
// the context of one of its own handlers it fails at once with ErrInside and does
// nothing, because it would wait for that handler.
func (c *consumer[T]) Stop(ctx context.Context) error {
	if c.inside(ctx) {
		return fmt.Errorf("stead/channelq: stop %q: %w", c.q.name, ErrInside)
	}
	if c.beginStop(ctx) {
		c.log.Debug("consumer stopping", slog.Int("depth", c.q.Len()))
		<-c.done // manage keeps to ctx
	}
	select {
	case <-c.done: // also when ctx has ended
		return c.result
	default:
	}
	select {
	case <-c.done:
		return c.result
	case <-ctx.Done():
		return withCause(ctx, fmt.Errorf("stead/channelq: stop %q: %w", c.q.name, ctx.Err()))
	}
}

// beginStop reports whether this is the Stop that counts.
func (c *consumer[T]) beginStop(ctx context.Context) bool {
	p := c.newPlan(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.stopping = true
	c.stopCtx, c.plan = ctx, p
	if c.ending { // by itself
		return true
	}
	if !c.detach {
		c.q.closeWith(nil, outlived)
	}
	if !c.started {
		c.base, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		c.ending = true
		go c.manage()
		return true
	}
	c.crew.wakeLocked()
	c.pokeManager()
	return true
}

// parkLocked puts a failed item away until it comes due.
func (c *consumer[T]) parkLocked(e entry[T]) {
	if c.parked.parkUntil(e) {
		c.pokeManager()
	}
	c.parkedByLocked(1)
}

// parkedByLocked is called with every change of the number of parked items.
func (c *consumer[T]) parkedByLocked(n int) { c.q.books.parked.Add(int64(n)) }

func (c *consumer[T]) pokeManager() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}
