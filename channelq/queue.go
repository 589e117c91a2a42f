package channelq

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/safelog"
)

// Enqueuer is what code that only hands work over needs to know. A *[Queue]
// satisfies it, and so can a queue that keeps its items elsewhere.
type Enqueuer[T any] interface {
	Enqueue(ctx context.Context, item T) error
}

// Config describes a queue. Only Capacity has to be thought about: the zero
// value makes a rendezvous.
type Config[T any] struct {
	// Name is used in errors, logs and metrics. Empty means "queue". Give each
	// queue of a program a name of its own.
	Name string

	// Capacity is how many items the queue holds, exactly. 0 is a rendezvous: an
	// enqueue succeeds by handing over to a waiting consumer. Negative is an
	// error, and so is more than 1<<30: the room is allocated at once.
	Capacity int

	// OnFull says what an enqueue does when the queue is full. The zero value is
	// Wait.
	OnFull FullMode

	// OnDrop is called once for every item that a drop mode loses, on the
	// goroutine whose call caused the loss, before that call returns. No lock is
	// held: it may use the queue. An OnDrop that enqueues into the same full
	// queue in a drop mode causes the next loss and so calls itself for ever. A
	// panic is caught, counted and logged. Nil means that nobody wants to know.
	OnDrop func(item T, reason DropReason)

	// Logger gets an Error for a panic of OnDrop. Nil: that of the host, which
	// comes with the workers or with hosted.Watch; without one, it discards.
	Logger *slog.Logger
}

// Queue is a bounded first-in first-out queue between any number of producers
// and consumers. Make it with [New]; all methods may be called from any
// goroutine. It has no goroutine of its own: a queue that nobody refers to any
// more is garbage collected, closed or not.
//
// Items of one producer are taken in the order in which it enqueued them.
// Waiting calls of each side are served in the order in which they came.
type Queue[T any] struct {
	name   string
	mode   FullMode
	engine *engine.Engine[T]
	books  books
	errs   refusals
	onDrop func(T, DropReason)
	log    safelog.Log

	mu      sync.Mutex // serializes CloseWithError
	closing atomic.Pointer[closing]
	owned   atomic.Bool // a consumer that closes the queue at its stop was made
	manned  atomic.Bool // Workers or a Batcher were made for it
	begun   atomic.Bool // and started
	own     ownMark
}

// ownMark gives a queue an address that serves as a context key: a handler's
// context carries its workers under the key of the queue they consume.
type ownMark struct{ _ byte }

// maxCapacity keeps the room, a power of two, from overflowing.
const maxCapacity = 1 << 30

// New makes a queue. The error names the field that makes no sense.
func New[T any](cfg Config[T]) (*Queue[T], error) {
	name := cfg.Name
	if name == "" {
		name = "queue"
	}
	switch {
	case cfg.Capacity < 0:
		return nil, fmt.Errorf("stead/channelq: new %q: Capacity is negative: %d", name, cfg.Capacity)
	case cfg.Capacity > maxCapacity:
		return nil, fmt.Errorf("stead/channelq: new %q: Capacity is more than %d: %d", name, maxCapacity, cfg.Capacity)
	case int(cfg.OnFull) >= len(modeNames):
		return nil, fmt.Errorf("stead/channelq: new %q: OnFull is unknown: %d", name, cfg.OnFull)
	}
	q := &Queue[T]{
		name: name, mode: cfg.OnFull, errs: newRefusals(name),
		onDrop: cfg.OnDrop, log: safelog.NewLog(cfg.Logger, "queue", name),
	}
	q.engine = engine.New[T](engine.Config{Capacity: cfg.Capacity, Sampled: q.books.wait.observe})
	return q, nil
}

// InheritLogger gives a queue that has no Config.Logger that of its host. It may
// be called at any time; see package hosted, Logging.
func (q *Queue[T]) InheritLogger(l *slog.Logger) { q.log.Inherit(l) }

// Name returns the name.
func (q *Queue[T]) Name() string { return q.name }

// Len returns how many items are in the queue now, from 0 to Cap.
func (q *Queue[T]) Len() int { return q.engine.Len() }

// Cap returns the capacity.
func (q *Queue[T]) Cap() int { return q.engine.Cap() }

// Dequeue takes the oldest item and waits while there is none. After Close it
// takes what is left and then fails with ErrClosed, and with the error given to
// CloseWithError. It fails with an error that wraps ctx.Err() and
// context.Cause(ctx) when ctx ends first, or has ended already, and then has
// taken nothing.
func (q *Queue[T]) Dequeue(ctx context.Context) (item T, err error) {
	if o := q.engine.Take(ctx, &item); o != engine.OK {
		return item, q.notTaken(ctx, o)
	}
	q.books.byHand.addHere(1)
	return item, nil
}

// TryDequeue is Dequeue without waiting: it fails with ErrEmpty when there is
// nothing now.
func (q *Queue[T]) TryDequeue() (item T, err error) {
	if o := q.engine.TryTake(&item); o != engine.OK {
		return item, q.notTakenNow(o)
	}
	q.books.byHand.addHere(1)
	return item, nil
}

// DequeueBatch takes whatever is there into buf, at least one item and at most
// len(buf), and returns how many. It waits and fails as Dequeue does. An empty
// buf gets nothing.
func (q *Queue[T]) DequeueBatch(ctx context.Context, buf []T) (int, error) {
	n, o := q.engine.TakeN(ctx, buf)
	if o != engine.OK {
		return n, q.notTaken(ctx, o)
	}
	q.books.byHand.addHere(uint64(n))
	return n, nil
}

// All returns the items as they come, for a range loop:
//
//	for item := range q.All(ctx) {
//
// The loop ends when the queue is closed and drained or, at once and whatever is
// in the queue, when ctx ends; Err and ctx.Err tell which. Leaving the loop
// loses nothing: the next item is still in the queue.
func (q *Queue[T]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			var item T
			if q.engine.Take(ctx, &item) != engine.OK {
				return
			}
			q.books.byHand.addHere(1)
			if !yield(item) {
				return
			}
		}
	}
}

func (q *Queue[T]) notTaken(ctx context.Context, o engine.Outcome) error {
	if o == engine.Canceled {
		return withCause(ctx, fmt.Errorf("stead/channelq: dequeue %q: %w", q.name, ctx.Err()))
	}
	return q.notTakenNow(o)
}

func (q *Queue[T]) notTakenNow(o engine.Outcome) error {
	if o == engine.Closed {
		return q.closing.Load().dequeue
	}
	return q.errs.empty
}

// Close closes the queue: every enqueue from now on, and every one that waits,
// fails with ErrClosed, while consumers still take what was accepted. It
// reports whether this call closed the queue; only the first one does.
func (q *Queue[T]) Close() bool { return q.CloseWithError(nil) }

// CloseWithError is Close with the reason, which Err and the errors of later
// calls then carry beside ErrClosed. A nil err is a plain Close.
func (q *Queue[T]) CloseWithError(err error) bool { return q.closeWith(err, "") }

// closeWith is CloseWithError; the error of each later enqueue ends with hint.
func (q *Queue[T]) closeWith(err error, hint string) bool {
	var why *closing
	if q.closing.Load() == nil {
		why = newClosing(q.name, err, hint) // it asks err for its text: without the lock
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing.Load() != nil {
		return false
	}
	// Before the engine is closed, since whoever sees that reads this.
	q.closing.Store(why)
	q.engine.Close()
	return true
}

// Done is closed when the queue is closed and the last item was taken.
func (q *Queue[T]) Done() <-chan struct{} { return q.engine.Drained() }

// Err says why the queue was closed: what was given to CloseWithError, and nil
// after a plain Close or while the queue is open.
func (q *Queue[T]) Err() error {
	if c := q.closing.Load(); c != nil {
		return c.cause
	}
	return nil
}

// claim reserves the queue for a consumer that will close it. There can be one.
func (q *Queue[T]) claim() bool { return q.owned.CompareAndSwap(false, true) }

// hint adds to a refusal what the cause may well be: workers that were made and
// never added to a host. It is asked only when a call fails.
func (q *Queue[T]) hint(refused error) error {
	if q.manned.Load() && !q.begun.Load() {
		return fmt.Errorf("%w (its workers were not started)", refused)
	}
	return refused
}

// dropped counts a loss and tells OnDrop.
func (q *Queue[T]) dropped(item T, reason DropReason) {
	q.books.drop(reason)
	if q.onDrop == nil {
		return
	}
	if err := guard.Call(func() error { q.onDrop(item, reason); return nil }); err != nil {
		q.books.panics.Add(1)
		q.log.Error("drop callback panicked", slog.Any("error", err))
	}
}
