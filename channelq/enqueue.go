package channelq

import (
	"context"
	"errors"
	"fmt"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/stopping"
)

// Enqueue puts item into the queue. When there is no room it acts by the
// queue's full mode: it waits, or fails with ErrFull or ErrDropped, or succeeds
// because another item was dropped for it. It fails with ErrClosed after Close,
// and with an error that wraps ctx.Err() and context.Cause(ctx) when ctx is done
// first, or has ended already: with the context of an HTTP request, when the client
// hangs up. For an item that is wanted nevertheless pass
// [context.WithoutCancel] of it, with a timeout, as a full queue may stay full.
// After a failure the item is not in the queue.
//
// With the context of a service of a host, or of a request that it serves, an
// enqueue that waits, or would have to, also fails at the moment when the stop of the
// host begins, although ctx has not ended: what the producer adds then is in the way
// of the stop, and its own turn may be far. So does one with a timeout over
// context.WithoutCancel of such a context; only without any end it waits on. The
// error wraps hosted.ErrStopping and the cause of the stop. While there is room the item is still accepted, and
// handled or left over. Handlers of Workers and of a Batcher are not producers in
// this sense: what they pass on to another queue was accepted before, and waits.
//
// The text of a failure says so if Workers or a Batcher were made for the queue and
// were not started: most likely nobody added them to a host. It also says so if it
// was the stop of its workers that closed the queue: the producer was registered
// before them, and is stopped after them, or it is a goroutine that nobody stops.
//
// A handler that enqueues with its own context into the queue it works for never
// waits, because it might wait for itself: when the queue is full it gets
// ErrFull also in Wait mode.
func (q *Queue[T]) Enqueue(ctx context.Context, item T) error {
	if ctx.Err() != nil {
		return q.cancelled(ctx, 1)
	}
	if q.shelf != nil {
		return q.enqueueShelved(ctx, item, true)
	}
	if q.gate.crowded.Load() {
		if err := q.enterFor(ctx, true); err != nil {
			return err
		}
	}
	if q.mode != Wait {
		return q.enqueueNow(&item)
	}
	o := q.engine.TryPut(&item)
	if o == engine.OK {
		return nil // at once: the call below costs a fifth of an item's way through the queue
	}
	if o != engine.Full || q.inside(ctx) {
		return q.refused(ctx, o, 1)
	}
	stop, halt := stopOf(ctx)
	if o = engine.Canceled; !closed(halt) {
		o = q.engine.Put(ctx, halt, &item)
	}
	return q.refusedLater(ctx, stop, o, 1)
}

// TryEnqueue enqueues without waiting: in Wait mode it fails with ErrFull when
// there is no room now, and in the others it is the same.
func (q *Queue[T]) TryEnqueue(item T) error {
	if q.shelf != nil {
		return q.enqueueShelved(context.Background(), item, false)
	}
	if q.gate.crowded.Load() {
		if err := q.enterFor(context.Background(), false); err != nil {
			return err
		}
	}
	return q.enqueueNow(&item)
}

// enterFor is enter for an enqueue, with its error.
func (q *queue) enterFor(ctx context.Context, wait bool) error {
	stop, halt := stopOf(ctx)
	wait = wait && q.mode == Wait && !q.inside(ctx)
	return q.refusedLater(ctx, stop, q.enter(ctx, halt, wait), 1)
}

// EnqueueAll puts all of items into the queue in order and returns how many were
// accepted. More items than there is room for go in in pieces, between those of
// other producers. It fails as Enqueue does; in Wait and Reject mode those
// accepted are then the first n. In DropOldest and DropNewest mode all are
// accepted, some perhaps to be dropped for the next. In DropWrite mode it offers
// every item and fails with ErrDropped if any was dropped.
func (q *Queue[T]) EnqueueAll(ctx context.Context, items []T) (int, error) {
	if ctx.Err() != nil {
		return 0, q.cancelled(ctx, len(items))
	}
	if len(items) == 0 {
		return 0, nil
	}
	switch {
	case q.shelf != nil || q.gate.used.Load():
	case q.mode == Wait || q.mode == Reject:
		n, o := q.engine.TryPutN(items)
		if o != engine.Full || q.mode != Wait || q.inside(ctx) {
			return n, q.refused(ctx, o, len(items)-n)
		}
		stop, halt := stopOf(ctx)
		if o = engine.Canceled; !closed(halt) {
			var more int
			more, o = q.engine.PutN(ctx, halt, items[n:])
			n += more
		}
		return n, q.refusedLater(ctx, stop, o, len(items)-n)
	}
	n := 0
	var failed error
	for i := range items {
		err := q.enqueueOneOf(ctx, items[i])
		switch {
		case err == nil:
			n++
		case q.mode == Wait || q.mode == Reject: // with a shelf
			q.notTried(err, len(items)-i-1)
			return n, err
		case q.closing.Load() != nil:
			q.counters.closed.Add(uint64(len(items) - i - 1)) // this one is counted
			return n, q.closing.Load().enqueue
		default:
			failed = err
		}
	}
	return n, failed
}

func (q *Queue[T]) enqueueOneOf(ctx context.Context, item T) error {
	if q.shelf != nil || q.mode == Wait || q.mode == Reject {
		return q.Enqueue(ctx, item)
	}
	return q.enqueueNow(&item)
}

// notTried counts n items behind one that was refused with err.
func (q *queue) notTried(err error, n int) {
	switch {
	case errors.Is(err, ErrClosed):
		q.counters.closed.Add(uint64(n))
	case errors.Is(err, ErrFull):
		q.counters.full.Add(uint64(n))
	default:
		q.counters.cancelled.Add(uint64(n))
	}
}

// enqueueNow is the enqueue of every mode that does not wait.
func (q *Queue[T]) enqueueNow(item *T) error {
	var lost T
	var was bool
	var o engine.Outcome
	reason := DroppedWrite
	switch {
	case q.mode == DropOldest && q.engine.Cap() > 0:
		reason = DroppedOldest
		was, o = q.engine.PutEvict(item, &lost, engine.Oldest)
	case q.mode == DropNewest && q.engine.Cap() > 0:
		reason = DroppedNewest
		was, o = q.engine.PutEvict(item, &lost, engine.Newest)
	default:
		o = q.engine.TryPut(item)
	}
	switch {
	case o == engine.Full && q.mode != Wait && q.mode != Reject:
		q.dropped(*item, DroppedWrite)
		return q.explain(q.errs.dropped)
	case was:
		q.dropped(lost, reason)
	}
	return q.refusedNow(o, 1)
}

// refused counts n items that were not accepted and returns the error to o.
func (q *queue) refused(ctx context.Context, o engine.Outcome, n int) error {
	if o == engine.Canceled {
		return q.cancelled(ctx, n)
	}
	return q.refusedNow(o, n)
}

// refusedNow is refused for calls that have no context.
func (q *queue) refusedNow(o engine.Outcome, n int) error {
	switch o {
	case engine.OK:
		return nil
	case engine.Closed:
		q.counters.closed.Add(uint64(n))
		return q.closing.Load().enqueue
	}
	q.counters.full.Add(uint64(n))
	return q.explain(q.errs.full)
}

func (q *queue) cancelled(ctx context.Context, n int) error {
	q.counters.cancelled.Add(uint64(n))
	return withCause(ctx, q.explain(fmt.Errorf("stead/channelq: enqueue %q: %w", q.name, ctx.Err())))
}

// stopOf returns the stop of the host whose service ctx comes from, and what is
// closed when that begins; nil without a host.
func stopOf(ctx context.Context) (stop context.Context, begins <-chan struct{}) {
	if stop = stopping.From(ctx); stop != nil {
		begins = stop.Done()
	}
	return stop, begins
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// refusedLater is refused for calls that had to wait, which end with ctx or when
// stop begins.
func (q *queue) refusedLater(ctx, stop context.Context, o engine.Outcome, n int) error {
	if o != engine.Canceled || ctx.Err() != nil {
		return q.refused(ctx, o, n)
	}
	q.counters.cancelled.Add(uint64(n))
	return q.explain(fmt.Errorf("stead/channelq: enqueue %q: no room, and no wait for it: %w", q.name, stopping.Error(stop)))
}

// inside reports whether ctx comes from a handler that works for this queue.
func (q *queue) inside(ctx context.Context) bool { return ctx.Value(&q.ctxKey) != nil }
