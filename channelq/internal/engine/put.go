package engine

import (
	"context"
	"runtime"
	"unsafe"
)

// Single items go by pointer: a large one is copied once on its way in and once
// on its way out. No call keeps the pointer.

// Put is for who has found the queue full just now, and waits for room until
// ctx ends or halt, which may be nil, is closed. It returns OK, Closed or Canceled.
func (e *Engine[T]) Put(ctx context.Context, halt <-chan struct{}, v *T) Outcome {
	done := ctx.Done()
	if e.rendezvous != nil {
		return e.rendezvous.putOne(done, halt, v)
	}
	// One yield, which lets consumers make room for several, is cheaper than to park
	// at once: then a consumer would have to serve and wake this call for one item.
	runtime.Gosched()
	if o := e.TryPut(v); o != Full {
		return o
	}
	w := e.putWaiter()
	w.one[0] = *v
	w.items = w.one[:]
	_, o := e.putWait(done, halt, w)
	return o
}

// TryPut never waits: OK, Full or Closed. It is the hot path: lockTail, write and
// publish in one piece for the usual case, an item that is neither sampled nor the
// first of a chunk. The calls would be a fifth of it.
func (e *Engine[T]) TryPut(v *T) Outcome {
	t := e.tail.Load()
	pos := t / posUnit
	if t&(locked|closed) == 0 && pos%sampleEvery != 0 && (distance(e.limit.Load(), pos) > 0 || e.advanceLimit(pos)) &&
		e.tail.CompareAndSwap(t, t|locked) {
		e.putChunk.items[pos&e.mask] = *v
		e.tail.Add(posUnit - locked)
		if e.takers.needsWakeup.Load() {
			e.takers.wake()
		}
		return OK
	}
	_, o := e.TryPutN(unsafe.Slice(v, 1))
	return o
}

// PutN puts all of vs, in pieces when they do not fit at once, and waits while
// there is no room, as Put does. It returns how many it put, always a prefix:
// all with OK, fewer with Closed or Canceled.
func (e *Engine[T]) PutN(ctx context.Context, halt <-chan struct{}, vs []T) (int, Outcome) {
	if ctx.Err() != nil {
		return 0, Canceled
	}
	done := ctx.Done()
	if e.rendezvous != nil {
		return e.rendezvous.putAll(done, halt, vs)
	}
	n, o := e.putSome(vs)
	if o != Full {
		return n, o
	}
	runtime.Gosched()
	m, o := e.putSome(vs[n:])
	if n += m; o != Full {
		return n, o
	}
	w := e.putWaiter()
	w.items = vs[n:]
	m, o = e.putWait(done, halt, w)
	return n + m, o
}

// TryPutN puts what fits now, a prefix of vs, and never waits: OK when that was
// all of it, otherwise Full or Closed.
func (e *Engine[T]) TryPutN(vs []T) (int, Outcome) {
	if e.rendezvous != nil {
		return e.rendezvous.tryPut(vs)
	}
	return e.putSome(vs)
}

// putSome puts the longest prefix that there is room for.
func (e *Engine[T]) putSome(vs []T) (int, Outcome) {
	n := 0
	for n < len(vs) {
		pos, got, o := e.lockTail(min(len(vs)-n, maxCopy))
		if o != OK {
			return n, o
		}
		e.write(pos, vs[n:n+got])
		e.publish(got)
		n += got
	}
	return n, OK
}
