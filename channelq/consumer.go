package channelq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/backoff"
	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/internal/stopping"
)

// consumer is the part of Workers and of a Batcher that does not depend on the type
// of the items: it is compiled once for a program and not once a type. Its life
// begins with Start and ends by itself or by Stop.
type consumer struct {
	q     *queue
	log   safelog.Log
	items typed
	settings
	failed     failures
	failureLog failureLog
	limiter    atomic.Pointer[rate.Limiter]
	fetch      func(*worker) bool // gets the items of a worker's next attempt
	base       context.Context    // of every handler
	cancel     context.CancelCauseFunc
	poke       signal // tells manage to look again

	// slowPath is set while a worker that looks for its next item has more to
	// think of than the queue. The worker then goes through mu.
	slowPath   atomic.Bool
	prefetched atomic.Bool  // a worker has ever prefetched: more than maxPrefetchers workers do not
	idle       atomic.Int32 // workers that wait and were not woken
	retryID    atomic.Int64 // the last of history.id

	mu         sync.Mutex
	parked     parking
	workers    []*worker // the ones that are neither leaving nor abandoned
	made       int       // workers ever made
	target     int       // as many as there should be
	probe      int       // counts the looks at other workers
	keyTurn    bool      // with keys: a worker is between the queue and the key's line
	acquiring  int       // workers that wait for the Limit
	stragglers int       // calls that were given up on
	paused     bool
	shedding   bool // a stop hands over what is not started
	drained    bool // the queue is closed and nothing is left in it
	started    bool
	stopping   bool            // Stop was called
	ending     bool            // workers leave instead of looking for another item
	stopCtx    context.Context // of the Stop that counts
	plan       plan
	lost       []*parkedItem // what was in the hands of abandoned workers

	done   chan struct{}
	result error // of Stop; this and the next three are valid once done is closed
	err    error
	left   int
	stuck  int // of them in the hands of handlers that did not return
}

// typed is the part of a consumer that depends on the type of the items.
type typed interface {
	queue() any // the *Queue of the items
	newHands() hands
	giveUp(ctx context.Context, item any, err error) // calls OnGiveUp
	putBack(item any) engine.Outcome                 // puts it into the queue
	describe(item any) string                        // calls Describe
	settled(item any, outcome Outcome, err error)    // calls OnSettled
	// collect keeps what a stop leaves over, in this order, and with rest what is
	// in the queue. It returns how many items that is.
	collect(lost []*parkedItem, parked *parking, rest bool) int
	handOver(ctx context.Context) error // calls OnLeftover with what was collected
	settleLeft(err error)               // calls OnSettled for each of it
}

// settings are those of [WorkerConfig] and [BatchConfig] that consumer needs.
type settings struct {
	timeout    time.Duration
	retry      Retry
	backoff    backoff.Policy
	reserve    time.Duration // for OnLeftover; 0 means the usual one
	keep       int           // failures
	detach     bool
	keyed      bool // there is a Key
	batches    bool // it is a Batcher
	onGiveUp   bool // there is one
	onLeftover bool
	skips      bool // there is a Skip
	describes  bool // there is a Describe
	keyLimit   int
	drain      Drain

	ownLimiter interface{ Wait(context.Context) error } // nil means that of RateLimit
	limit      interface {
		Acquire(ctx context.Context, n int64) error
		Release(n int64)
	}
}

// checkConsumer returns what is wrong with the arguments of a constructor.
func checkConsumer[T any](verb string, q *Queue[T], noHandler bool) error {
	switch {
	case q == nil:
		return fmt.Errorf("stead/channelq: %s: the queue is nil", verb)
	case q.engine == nil:
		return fmt.Errorf("stead/channelq: %s: the queue is not made with New", verb)
	case noHandler:
		return fmt.Errorf("stead/channelq: %s %q: the handler is nil", verb, q.name)
	}
	return nil
}

// init prepares a consumer of q. It fails if q has a consumer already that closes it, or
// if setOnSettled does. Then q is as it was.
func (c *consumer) init(q *queue, l *slog.Logger, s settings, setOnSettled func() error) error {
	if !s.detach && !q.owned.CompareAndSwap(false, true) {
		return errors.New("the queue has a consumer already that closes it")
	}
	if err := setOnSettled(); err != nil {
		if !s.detach {
			q.owned.Store(false)
		}
		return err
	}
	if s.keep == 0 {
		s.keep = 100
	}
	s.backoff = s.retry.policy()
	s.keyLimit = max(s.keyLimit, 1)
	q.hasConsumer.Store(true)
	c.q, c.settings = q, s
	c.log = safelog.NewLog(l, "queue", q.name)
	c.failed.max = max(s.keep, 0)
	c.failureLog.log = &c.log
	c.poke, c.done = make(signal, 1), make(chan struct{})
	c.refreshLocked()
	return nil
}

// start starts manage, unless it is too late.
func (c *consumer) start(ctx context.Context) error {
	if ctx.Err() != nil {
		return withCause(ctx, fmt.Errorf("stead/channelq: start %q: %w", c.q.name, ctx.Err()))
	}
	// The key is an address that only this package can name. What handlers enqueue
	// elsewhere is part of the drain, no new work.
	base := context.WithValue(stopping.Without(context.WithoutCancel(ctx)), &c.q.ctxKey, c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.stopping {
		return fmt.Errorf("stead/channelq: start %q: started or stopped before", c.q.name)
	}
	c.started = true
	c.q.consumerStarted.Store(true)
	c.base, c.cancel = context.WithCancelCause(base)
	go c.manage()
	return nil
}

// refreshLocked sets slowPath after a change of what it stands for.
func (c *consumer) refreshLocked() {
	c.slowPath.Store(c.batches || c.keyed || c.limit != nil || c.onHold() || c.drained || c.ending || c.stopping && c.detach ||
		c.parked.due.n > 0 || c.limiter.Load() != nil || len(c.workers) > c.target)
}

// onHold reports whether no attempt may start.
func (c *consumer) onHold() bool { return c.paused || c.shedding }

// parkedLocked is called with every change of the number of parked items.
func (c *consumer) parkedLocked(n int) {
	c.q.counters.parked.Add(int64(n))
	c.refreshLocked()
}

// logFailure writes a line for n items that failed.
func (c *consumer) logFailure(d decision, n int, err error, args ...any) {
	if c.failureLog.write(d, n, err, args...) {
		c.pokeManager() // to flush it later
	}
}

// inside reports whether ctx comes from one of the handlers.
func (c *consumer) inside(ctx context.Context) bool {
	from, _ := ctx.Value(&c.q.ctxKey).(*consumer)
	return from == c
}

// InheritLogger gives a consumer that has no Logger in its configuration that of
// its host, which calls it before the start, and hands it on to the queue. It may
// be called at any time; see package hosted, Logging.
func (c *consumer) InheritLogger(l *slog.Logger) {
	c.log.Inherit(l)
	c.q.InheritLogger(l)
}

// Name returns the name of the queue.
func (c *consumer) Name() string { return c.q.name }

// Observed returns the queue, so that a host can tell several consumers of one
// queue from two queues of one name.
func (c *consumer) Observed() any { return c.items.queue() }

// Counts returns the Counts of Stats.
func (c *consumer) Counts() map[string]uint64 { return c.Stats().Counts() }

// Backlog returns how many items are still to be handled: those in the queue, in
// progress and parked.
func (c *consumer) Backlog() int {
	s := c.q.Stats()
	return s.Depth + s.InProgress + s.Parked
}

// Stats returns the counts of the queue, which say what all its consumers did.
func (c *consumer) Stats() Stats {
	s := c.q.Stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	if due := c.parked.oldestDue(); !due.IsZero() && (s.OldestDue.IsZero() || due.Before(s.OldestDue)) {
		s.OldestDue = due
	}
	return s
}

// Done returns a channel that is closed when the consumer has ended: by itself,
// because the queue was closed and everything in it was handled, or by Stop.
func (c *consumer) Done() <-chan struct{} { return c.done }

// Err returns nil until Done is closed. Then it returns what Stop returned or, if the
// consumer ended by itself, what the queue was closed with.
func (c *consumer) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Stuck returns how many items were in the hands of handlers that the stop gave up on,
// because they did not return. A host names the consumer as a straggler then,
// with the stacks of these handlers. It is 0 until Done is closed.
func (c *consumer) Stuck() int {
	select {
	case <-c.done:
		return c.stuck
	default:
		return 0
	}
}

// Leftover returns how many items the stop did not have handled. The ones that
// OnLeftover took count too: whether it did is in the result of Stop. It is 0 until
// Done is closed.
func (c *consumer) Leftover() int {
	select {
	case <-c.done:
		return c.left
	default:
		return 0
	}
}
