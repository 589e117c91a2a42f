package engine

import (
	"context"
	"sync"
	"time"
)

// Engine is made by New. All methods may be called from any goroutine.
type Engine[T any] struct {
	mu   sync.Mutex
	ring []T
	// head and tail count the slots ever left and ever filled; slot i of the
	// ring is i modulo its length. Both only grow.
	head, tail uint64
	replaced   uint64 // put and taken within one slot, by PutNewest
	highWater  int
	closed     bool
	drained    chan struct{} // made on first use

	takers, putters waiters[T]
	spare           *waiter[T]
	spares          int

	sampled   func(time.Duration)
	stamps    []time.Time
	notedTail uint64 // what Oldest saw last: slots before it were filled before noted
	noted     time.Time
}

// New makes an engine.
func New[T any](cfg Config) *Engine[T] {
	e := &Engine[T]{ring: make([]T, cfg.Capacity), sampled: cfg.Sampled}
	if cfg.Sampled != nil {
		// As many sampled slots as can be in the ring at once, and room for the
		// one before them and the one that is being filled.
		e.stamps = make([]time.Time, cfg.Capacity/sampleEvery+2)
	}
	return e
}

// Close ends puts and reports whether this call was the first. Parked puts end
// as Closed with nothing more put; what was accepted can still be taken.
func (e *Engine[T]) Close() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.closed = true
	e.putters.settleAll(Closed)
	e.takers.settleAll(Closed) // there are takers only while there is no item
	e.announceDrainLocked()
	return true
}

// Drained is closed when the engine is closed and every item was taken.
func (e *Engine[T]) Drained() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.drained == nil {
		e.drained = make(chan struct{})
		e.announceDrainLocked()
	}
	return e.drained
}

// announceDrainLocked is called after every step that may have ended the drain;
// the last of them happens once, because nothing is put after Close.
func (e *Engine[T]) announceDrainLocked() {
	if e.drained != nil && e.closed && e.head == e.tail {
		close(e.drained)
	}
}

// Len is how many items are here.
func (e *Engine[T]) Len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int(e.tail - e.head)
}

// Cap is the capacity.
func (e *Engine[T]) Cap() int { return len(e.ring) }

// HighWater is the greatest Len there ever was.
func (e *Engine[T]) HighWater() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.highWater
}

// Totals are the items ever put and ever taken, displaced ones among both.
func (e *Engine[T]) Totals() (put, taken uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tail + e.replaced, e.head + e.replaced
}

// Put puts v, waiting while the engine is full: OK, Closed or Cancelled. With a
// context that is already done it is Cancelled although there is room.
func (e *Engine[T]) Put(ctx context.Context, v T) Outcome {
	if ctx.Err() != nil {
		return Cancelled
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if o := e.tryPutLocked(v); o != Full {
		return o
	}
	w := e.newWaiterLocked()
	defer e.freeWaiterLocked(w)
	w.one[0] = v
	w.items = w.one[:]
	e.waitLocked(ctx, &e.putters, w)
	return w.outcome
}

// TryPut is Put without waiting: OK, Full or Closed.
func (e *Engine[T]) TryPut(v T) Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tryPutLocked(v)
}

// PutN puts all of vs in order, in pieces when there is less room. The number
// is how many were put, always a prefix.
func (e *Engine[T]) PutN(ctx context.Context, vs []T) (int, Outcome) {
	if ctx.Err() != nil {
		return 0, Cancelled
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n, o := e.tryPutNLocked(vs)
	if o != Full {
		return n, o
	}
	w := e.newWaiterLocked()
	defer e.freeWaiterLocked(w)
	w.items = vs[n:]
	e.waitLocked(ctx, &e.putters, w)
	return n + w.n, w.outcome
}

// TryPutN puts what fits now, a prefix; Full when that is not everything.
func (e *Engine[T]) TryPutN(vs []T) (int, Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tryPutNLocked(vs)
}

// PutOldest puts v and never waits: a full engine first gives up its oldest
// item, which is returned. With capacity 0 and nobody waiting to take, v itself
// is returned and was never in.
func (e *Engine[T]) PutOldest(v T) (displaced T, was bool, o Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if o = e.tryPutLocked(v); o != Full {
		return displaced, false, o
	}
	if len(e.ring) == 0 {
		return v, true, OK
	}
	displaced = e.popLocked(nil)
	e.pushLocked(v)
	return displaced, true, OK
}

// PutNewest is PutOldest that gives up the newest item instead.
func (e *Engine[T]) PutNewest(v T) (displaced T, was bool, o Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if o = e.tryPutLocked(v); o != Full {
		return displaced, false, o
	}
	if len(e.ring) == 0 {
		return v, true, OK
	}
	slot := e.slot(e.tail - 1)
	displaced, *slot = *slot, v
	e.replaced++
	e.stampLocked(e.tail - 1)
	return displaced, true, OK
}

// Take takes the oldest item, waiting while there is none: OK, Closed or
// Cancelled. With a context that is already done it is Cancelled although there
// is an item.
func (e *Engine[T]) Take(ctx context.Context) (T, Outcome) {
	var one [1]T
	if ctx.Err() != nil {
		return one[0], Cancelled
	}
	var s samples
	e.mu.Lock()
	n, o := e.tryTakeNLocked(one[:], &s)
	if n == 0 && o == Empty {
		w := e.newWaiterLocked()
		w.items = w.one[:]
		e.waitLocked(ctx, &e.takers, w)
		one, o, s = w.one, w.outcome, w.sampled
		e.freeWaiterLocked(w)
	}
	e.mu.Unlock()
	e.report(&s)
	return one[0], o
}

// TryTake is Take without waiting: OK, Empty or Closed.
func (e *Engine[T]) TryTake() (T, Outcome) {
	var one [1]T
	_, o := e.TryTakeN(one[:])
	return one[0], o
}

// TakeN takes whatever is there, at least one and at most len(buf), waiting
// while there is nothing. An empty buf gets nothing and is OK.
func (e *Engine[T]) TakeN(ctx context.Context, buf []T) (int, Outcome) {
	if ctx.Err() != nil {
		return 0, Cancelled
	}
	var s samples
	e.mu.Lock()
	n, o := e.tryTakeNLocked(buf, &s)
	if o == Empty {
		w := e.newWaiterLocked()
		w.items = buf
		e.waitLocked(ctx, &e.takers, w)
		n, o, s = w.n, w.outcome, w.sampled
		e.freeWaiterLocked(w)
	}
	e.mu.Unlock()
	e.report(&s)
	return n, o
}

// TryTakeN is TakeN without waiting: OK, Empty or Closed.
func (e *Engine[T]) TryTakeN(buf []T) (int, Outcome) {
	var s samples
	e.mu.Lock()
	n, o := e.tryTakeNLocked(buf, &s)
	e.mu.Unlock()
	e.report(&s)
	return n, o
}
