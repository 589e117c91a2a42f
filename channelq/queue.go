package channelq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/safelog"
)

// Enqueuer is the interface of code that only hands work over. A *[Queue]
// implements it. A queue that stores its items elsewhere can implement it too.
type Enqueuer[T any] interface {
	Enqueue(ctx context.Context, item T) error
}

// Config describes a queue. Only Capacity needs thought. The zero value makes a
// rendezvous.
type Config[T any] struct {
	// Name is used in errors, logs and metrics. Give each queue of a program its
	// own name. If empty, "queue" is used.
	Name string

	// Capacity is how many items the queue holds, exactly. If zero, the queue is a
	// rendezvous: an enqueue succeeds by handing its item to a waiting consumer.
	// New returns an error if Capacity is negative or more than 1<<30.
	Capacity int

	// OnFull says what an enqueue does when the queue is full. If zero, Wait is
	// used.
	OnFull FullMode

	// OnDrop is called once for every item that a drop mode loses. It runs on the
	// goroutine whose call caused the loss, before that call returns. No lock is
	// held, so OnDrop may use the queue. An OnDrop that enqueues into the same full
	// queue in a drop mode causes the next loss, and so calls itself without end. A
	// panic is caught, counted and logged. If nil, it is not called.
	OnDrop func(item T, reason DropReason)

	// Coalesce returns the key of an item. If an item of the same key waits in the
	// queue, the new item is not added: Enqueue returns nil, and the item counts as
	// coalesced. With Workers that have a Key, an item that waits for its key still
	// waits in this sense: at most one item of a key runs and one waits. Items that
	// wait for a retry do not count. An enqueue whose key waits for room waits for
	// that, or returns ErrFull if it may not wait. Coalesce is called without a lock on
	// the goroutine of the caller; a panic of it is the caller's. If nil, every item is
	// added. Such a queue passes every item through one more mutex.
	Coalesce func(item T) string

	// Merge returns what is to wait instead of waiting, which was enqueued before, and
	// item, which is not added. It is called without a lock, and again if waiting was
	// taken or changed meanwhile; it must not change its arguments. If nil, the item
	// that waits stays as it is. Merge has no effect without Coalesce, and New returns
	// an error then.
	Merge func(waiting, item T) T

	// Stamp notes when each item is enqueued, for [Attempt]. It costs a clock read and
	// a mutex for each item. A queue with Coalesce does so always.
	Stamp bool

	// Logger gets an Error for a panic of OnDrop. If nil, the logger of the host is
	// used, which comes with the workers or with hosted.Watch, or none.
	Logger *slog.Logger
}

// Queue is a bounded first-in first-out queue between any number of producers
// and consumers. Make it with [New]. All methods are safe for concurrent use. A
// queue has no goroutine of its own. It is garbage collected when nothing refers
// to it, closed or not.
//
// Items of one producer are taken in the order in which it enqueued them.
// Waiting calls of each side are served in the order in which they came.
type Queue[T any] struct {
	queue
	engine    *engine.Engine[T]
	onDrop    func(T, DropReason)
	coalesce  func(T) string
	merge     func(waiting, item T) T
	shelf     *shelf[T] // nil means the items are in the engine
	onSettled atomic.Pointer[func(T, Outcome, error)]
}

// queue is the part of a [Queue] that does not depend on the type of its items:
// it is compiled once for a program and not once a type.
type queue struct {
	name     string
	mode     FullMode
	counters counters
	errs     refusals
	log      safelog.Log
	ring     ring
	gate     gate

	mu              sync.Mutex // serializes CloseWithError
	closing         atomic.Pointer[closing]
	owned           atomic.Bool // by a consumer that closes the queue at its stop
	hasConsumer     atomic.Bool // Workers or a Batcher were made for it
	consumerStarted atomic.Bool
	ctxKey          contextKey
	stamped         bool        // it has a shelf
	settles         atomic.Bool // a consumer has an OnSettled
}

// ring is what of an engine does not depend on the type of the items.
type ring interface {
	Len() int
	Cap() int
	HighWater() int
	Totals() (put, taken uint64)
	Oldest() time.Time
	Close() bool
	Drained() <-chan struct{}
}

// contextKey gives a queue an address that serves as a context key: a handler's
// context carries its workers under the key of the queue they consume.
type contextKey struct{ _ byte }

// maxCapacity keeps the room, a power of two, from overflowing.
const maxCapacity = 1 << 30

// New returns a new queue. The error names the field that is invalid.
func New[T any](cfg Config[T]) (*Queue[T], error) {
	q := &Queue[T]{onDrop: cfg.OnDrop, coalesce: cfg.Coalesce, merge: cfg.Merge}
	if err := q.init(cfg.Name, cfg.Capacity, cfg.OnFull, cfg.Logger); err != nil {
		return nil, err
	}
	if cfg.Merge != nil && cfg.Coalesce == nil {
		return nil, fmt.Errorf("stead/channelq: new %q: Merge has no effect without Coalesce", q.name)
	}
	if q.stamped = cfg.Stamp || cfg.Coalesce != nil; q.stamped {
		q.shelf = newShelf[T]()
	}
	q.engine = engine.New[T](engine.Config{Capacity: cfg.Capacity, Sampled: q.counters.wait.observe})
	q.ring = q.engine
	return q, nil
}

func (q *queue) init(name string, capacity int, mode FullMode, l *slog.Logger) error {
	if name == "" {
		name = "queue"
	}
	switch {
	case capacity < 0:
		return fmt.Errorf("stead/channelq: new %q: Capacity is negative: %d", name, capacity)
	case capacity > maxCapacity:
		return fmt.Errorf("stead/channelq: new %q: Capacity is more than %d: %d", name, maxCapacity, capacity)
	case int(mode) >= len(modeNames):
		return fmt.Errorf("stead/channelq: new %q: OnFull is unknown: %d", name, mode)
	}
	q.name, q.mode, q.errs = name, mode, newRefusals(name)
	q.log = safelog.NewLog(l, "queue", name)
	return nil
}

// InheritLogger gives the queue the logger of its host, unless Config.Logger is
// set. It may be called at any time. See package hosted, Logging.
func (q *queue) InheritLogger(l *slog.Logger) { q.log.Inherit(l) }

// Name returns the name of the queue.
func (q *queue) Name() string { return q.name }

// Len returns how many items are in the queue now, from 0 to Cap.
func (q *queue) Len() int { return q.ring.Len() }

// Cap returns the capacity.
func (q *queue) Cap() int { return q.ring.Cap() }

// Close closes the queue and reports whether this call closed it. Every later
// enqueue, and every enqueue that waits, returns ErrClosed. Consumers still take
// the items that were accepted.
func (q *queue) Close() bool { return q.CloseWithError(nil) }

// CloseWithError closes the queue as Close does, with a reason. Err and the errors of later calls carry
// the reason beside ErrClosed. A nil err is a plain Close.
func (q *queue) CloseWithError(err error) bool { return q.closeWith(err, "") }

// closeWith is CloseWithError; the error of each later enqueue ends with reason.
func (q *queue) closeWith(err error, reason string) bool {
	var why *closing
	if q.closing.Load() == nil {
		why = newClosing(q.name, err, reason) // it asks err for its text: without the lock
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing.Load() != nil {
		return false
	}
	// Before the engine is closed, since the call that sees that reads this.
	q.closing.Store(why)
	q.ring.Close()
	q.gate.mu.Lock()
	q.gate.admitLocked(len(q.gate.waiting))
	q.gate.mu.Unlock()
	return true
}

// Done returns a channel that is closed when the queue is closed and its last item
// was taken.
func (q *queue) Done() <-chan struct{} { return q.ring.Drained() }

// Err returns the error given to CloseWithError. It returns nil after a plain
// Close and while the queue is open.
func (q *queue) Err() error {
	if c := q.closing.Load(); c != nil {
		return c.cause
	}
	return nil
}

// explain adds a probable cause to a refusal: a consumer that was made and never
// added to a host. It is asked only when a call fails.
func (q *queue) explain(refused error) error {
	if q.hasConsumer.Load() && !q.consumerStarted.Load() {
		return fmt.Errorf("%w (its workers were not started)", refused)
	}
	return refused
}

// dropped counts a loss and calls OnDrop, and OnSettled if the item was accepted.
func (q *Queue[T]) dropped(item T, reason DropReason) {
	q.counters.drop(reason)
	if reason != DroppedWrite {
		defer q.settle(item, Dropped, nil)
	}
	if q.onDrop != nil {
		q.callback(&q.log, "drop callback panicked", func() { q.onDrop(item, reason) })
	}
}

// setOnSettled makes onSettled the OnSettled of the queue. There can be one.
func (q *Queue[T]) setOnSettled(onSettled func(T, Outcome, error)) error {
	if onSettled == nil {
		return nil
	}
	if !q.onSettled.CompareAndSwap(nil, &onSettled) {
		return errors.New("OnSettled: the queue has a consumer already with one")
	}
	q.settles.Store(true)
	return nil
}

// settle calls the OnSettled of the queue's consumer, if there is one.
func (q *Queue[T]) settle(item T, o Outcome, err error) {
	if onSettled := q.onSettled.Load(); onSettled != nil {
		q.callback(&q.log, "settled callback panicked", func() { (*onSettled)(item, o, err) })
	}
}

// callback calls code of the user that must not fail. A panic is counted and logged.
func (q *queue) callback(log *safelog.Log, failed string, call func()) {
	if err := guard.Call(func() error { call(); return nil }); err != nil {
		q.counters.panics.Add(1)
		log.Error(failed, slog.Any("error", err)) //nolint:sloglint // a constant of the caller
	}
}
