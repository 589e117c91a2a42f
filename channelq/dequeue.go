package channelq

import (
	"context"
	"fmt"
	"iter"
	"unsafe"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// Dequeue takes the oldest item. It blocks until there is an item, the queue is
// closed, or ctx is done. After Close it takes the items that are left, and then
// returns ErrClosed with the error given to CloseWithError. If ctx is done, also
// before the call, it takes nothing and returns an error that wraps ctx.Err() and
// context.Cause(ctx).
func (q *Queue[T]) Dequeue(ctx context.Context) (item T, err error) {
	if o := q.engine.Take(ctx, &item); o != engine.OK {
		return item, q.notTaken(ctx, o)
	}
	q.byHand(unsafe.Slice(&item, 1))
	return item, nil
}

// TryDequeue dequeues without waiting. It returns ErrEmpty if there is no item
// now.
func (q *Queue[T]) TryDequeue() (item T, err error) {
	if o := q.engine.TryTake(&item); o != engine.OK {
		return item, q.notTakenNow(o)
	}
	q.byHand(unsafe.Slice(&item, 1))
	return item, nil
}

// DequeueBatch takes the items that are there into buf, at least one and at most
// len(buf), and returns how many. It blocks and fails as Dequeue does. With an
// empty buf it takes nothing.
func (q *Queue[T]) DequeueBatch(ctx context.Context, buf []T) (int, error) {
	n, o := q.engine.TakeN(ctx, buf)
	if o != engine.OK {
		return n, q.notTaken(ctx, o)
	}
	q.byHand(buf[:n])
	return n, nil
}

// byHand counts items that were taken by hand.
func (q *Queue[T]) byHand(items []T) {
	q.taken(items)
	q.counters.byHand.addHere(uint64(len(items)))
}

// All returns the items as they come, for a range loop:
//
//	for item := range q.All(ctx) {
//
// The loop ends when the queue is closed and drained. It also ends at once when
// ctx is done, even if items are left. Err and ctx.Err tell which. Leaving the
// loop loses nothing: the next item is still in the queue.
func (q *Queue[T]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			var item T
			if q.engine.Take(ctx, &item) != engine.OK {
				return
			}
			q.byHand(unsafe.Slice(&item, 1))
			if !yield(item) {
				return
			}
		}
	}
}

func (q *queue) notTaken(ctx context.Context, o engine.Outcome) error {
	if o == engine.Canceled {
		return withCause(ctx, fmt.Errorf("stead/channelq: dequeue %q: %w", q.name, ctx.Err()))
	}
	return q.notTakenNow(o)
}

func (q *queue) notTakenNow(o engine.Outcome) error {
	if o == engine.Closed {
		return q.closing.Load().dequeue
	}
	return q.errs.empty
}
