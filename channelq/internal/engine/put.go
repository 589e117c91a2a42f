package engine

import (
	"context"
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
	// Many that yield get their turns in order, by the scheduler. That is fairer
	// than some that park and are overtaken by those that do not.
	for range 3 {
		linger(3)
		if o := e.putOne(v); o != Full {
			return o
		}
	}
	w := e.putters.waiter()
	w.one[0] = *v
	w.items = w.one[:]
	_, o := e.putWait(done, halt, w)
	return o
}

// TryPut never waits: OK, Full or Closed.
func (e *Engine[T]) TryPut(v *T) Outcome { return e.putOne(v) }

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
	linger(1)
	m, o := e.putSome(vs[n:])
	if n += m; o != Full {
		return n, o
	}
	w := e.putters.waiter()
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

// putOne is the hot path of a single item: OK, Full or Closed. It is lockTail
// and publish in one piece for the usual case; the calls would be a fifth of it.
func (e *Engine[T]) putOne(v *T) Outcome {
	t := e.tail.Load()
	pos := t / posUnit
	if t&(locked|closed) == 0 && (distance(e.limit.Load(), pos) > 0 || e.advanceLimit(pos)) && e.tail.CompareAndSwap(t, t|locked) {
		if pos%sampleEvery == 0 && e.samples != nil {
			e.samples.stamp(pos, 1)
		}
		e.values[pos&e.mask] = *v
		e.tail.Add(posUnit - locked)
		if e.takers.needsWakeup.Load() {
			e.takers.wake()
		}
		return OK
	}
	_, o := e.TryPutN(unsafe.Slice(v, 1))
	return o
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

// write places items from pos on, for the holder of tail's lock bit.
func (e *Engine[T]) write(pos uint64, vs []T) {
	if e.samples != nil {
		e.samples.stamp(pos, len(vs))
	}
	n := copy(e.values[pos&e.mask:], vs)
	copy(e.values, vs[n:])
}

// lockTail takes tail's lock bit if there is room, for up to want items. The
// caller writes those and publishes them.
//
// The slots are free to write: limit and head are read after a consumer stored
// them with the release of those very slots, or were derived from such a read.
func (e *Engine[T]) lockTail(want int) (pos uint64, got int, o Outcome) {
	for i := 0; ; i++ {
		t := e.tail.Load()
		pos, got = t/posUnit, want
		switch {
		case t&closed != 0:
			return 0, 0, Closed
		case t&locked != 0:
		case distance(e.limit.Load(), pos) >= want:
			if e.tail.CompareAndSwap(t, t|locked) {
				return pos, got, OK
			}
		default:
			// Head is read after tail, so "full" was true when head was read.
			h := e.head.Load() / posUnit
			if got = min(want, e.capacity-distance(pos, h)); got <= 0 {
				return 0, 0, Full
			}
			if e.tail.CompareAndSwap(t, t|locked) {
				e.raise(h, distance(pos, h)+got)
				return pos, got, OK
			}
		}
		backOff(i)
	}
}

// advanceLimit looks at head and says whether a put at pos fits without raising the
// high-water mark. That is the usual case of a queue that is never long, where
// limit is soon used up.
func (e *Engine[T]) advanceLimit(pos uint64) bool {
	limit := e.head.Load()/posUnit + uint64(e.high.Load())
	if distance(limit, pos) <= 0 {
		return false
	}
	e.limit.Store(limit)
	return true
}

// raise notes a length of the queue that was reached with head at h, and moves
// limit along.
func (e *Engine[T]) raise(h uint64, length int) {
	high := e.high.Load()
	for high < int64(length) && !e.high.CompareAndSwap(high, int64(length)) {
		high = e.high.Load()
	}
	e.limit.Store(h + uint64(max(high, int64(length))))
}

// publish makes n written positions visible together with giving tail's lock bit
// back, and wakes a consumer if one is parked.
//
// The add comes before the load of takers.needsWakeup; a consumer that parks sets needsWakeup
// before it looks at tail for the last time. One of the two sees the other, since
// Go's atomics have one total order.
func (e *Engine[T]) publish(n int) {
	e.tail.Add(uint64(n)*posUnit - locked)
	if e.takers.needsWakeup.Load() {
		e.takers.wake()
	}
}
