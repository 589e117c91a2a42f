package engine

import (
	"context"
	"runtime"
	"unsafe"
)

// Take waits while the queue is empty and takes an item to where to points. It
// returns OK, Closed (closed and drained) or Canceled; a ctx that is already
// done is Canceled even when there is an item. Without OK, *to stays as it is.
func (e *Engine[T]) Take(ctx context.Context, to *T) Outcome {
	if ctx.Err() != nil {
		return Canceled
	}
	if o := e.takeOne(to); o == OK || o == Closed {
		return o
	}
	_, o := e.takeWait(ctx, unsafe.Slice(to, 1))
	return o
}

// TryTake takes without waiting: OK, Empty or Closed.
func (e *Engine[T]) TryTake(to *T) Outcome {
	o := e.takeOne(to)
	if o == Empty || o == pending {
		_, o = e.TryTakeN(unsafe.Slice(to, 1))
	}
	return o
}

// TakeN waits until there is an item and takes what is there, at least one and
// at most len(buf). With an empty buf it takes nothing and does not wait.
func (e *Engine[T]) TakeN(ctx context.Context, buf []T) (int, Outcome) {
	if ctx.Err() != nil {
		return 0, Canceled
	}
	if n, o := e.takeSome(buf); n > 0 || o == OK || o == Closed {
		return n, o
	}
	return e.takeWait(ctx, buf)
}

// TryTakeN takes several without waiting: Empty when nothing is there.
func (e *Engine[T]) TryTakeN(buf []T) (int, Outcome) {
	if e.rendezvous != nil {
		return e.rendezvous.tryTake(buf)
	}
	for {
		n, o := e.takeSome(buf)
		if o == Empty && e.putters.parked.Load() > 0 {
			// The ones that wait for room come before the answer "empty".
			e.serve(1, true)
			n, o = e.takeSome(buf)
		}
		if o != pending {
			return n, o
		}
		// Another take stands between its two atomics. There may be more than it
		// takes, so "empty" would be wrong.
		runtime.Gosched()
	}
}

// takeOne is the hot path of a single item: OK, Empty, Closed or pending. It is
// lockHead, takeRun and release in one piece for the usual case, an item that is
// known to be there and neither sampled nor the first of a chunk.
func (e *Engine[T]) takeOne(v *T) Outcome {
	h := e.head.Load()
	pos := h / posUnit
	if h&(locked|closing) == 0 && pos%sampleEvery != 0 && distance(e.cachedTail.Load(), pos) > 0 &&
		e.head.CompareAndSwap(h, h|locked) {
		slot := &e.takeChunk.items[pos&e.mask]
		*v = *slot
		if e.pointers {
			var zero T
			*slot = zero
		}
		if h = e.head.Add(posUnit - locked); h&closing != 0 || e.hasWaiters() {
			e.afterRelease(h, 1)
		}
		return OK
	}
	_, o := e.takeSome(unsafe.Slice(v, 1))
	return o
}

// takeSome takes what is in place, up to len(buf): OK with at least one item
// (or with none for an empty buf), Empty, Closed or pending.
func (e *Engine[T]) takeSome(buf []T) (int, Outcome) {
	n := 0
	for n < len(buf) {
		h, run, o := e.lockHead()
		if o != OK {
			if n > 0 {
				break
			}
			return 0, o
		}
		n += e.takeRun(h/posUnit, run, buf[n:])
	}
	return n, OK
}

// takeRun copies and releases what is there from pos on, given that run items are
// and that the caller holds head's lock bit.
func (e *Engine[T]) takeRun(pos uint64, run int, buf []T) int {
	want := min(len(buf), maxCopy)
	if run < want {
		run = e.refreshTail(pos)
	}
	n := min(run, want)
	var put [maxCopy/sampleEvery + 2]int64
	sampled := 0
	for done := 0; done < n; {
		at := pos & e.mask
		if at == 0 {
			e.nextTakeChunk()
		}
		part := e.takeChunk.items[at:]
		part = part[:min(len(part), n-done)]
		if e.samples != nil {
			for p := ceil(pos); p-pos < uint64(len(part)); p += sampleEvery {
				put[sampled] = e.takeChunk.stamps[p&e.mask/sampleEvery]
				sampled++
			}
		}
		done += copy(buf[done:], part)
		pos += uint64(len(part))
		if e.pointers {
			clear(part)
		}
	}
	e.release(n)
	for _, p := range put[:sampled] {
		e.samples.report(p)
	}
	return n
}

// takeWait is the slow path of Take and TakeN. It parks at once: the put that
// wakes it runs it next on its own processor, where the items are, and they need
// not cross to another core. One that yields a few times and looks again keeps its
// processor, and with items of several cache lines each that made a queue of 64
// four times as slow.
func (e *Engine[T]) takeWait(ctx context.Context, buf []T) (int, Outcome) {
	if e.rendezvous != nil {
		return e.rendezvous.take(ctx, buf)
	}
	done := ctx.Done()
	w := e.takers.join()
	for {
		// Once more, now that a put would see the waiter.
		n, o := e.takeOrServe(buf)
		if o == Empty || o == pending {
			if w.park(done, nil) {
				n, o = e.takeOrServe(buf)
				if o == Empty || o == pending {
					e.takers.rejoin(w)
					continue
				}
			} else {
				n, o = 0, Canceled
			}
		}
		e.takers.leave(w)
		e.passWakeup()
		return n, o
	}
}

// takeOrServe is takeSome; when the queue is empty although puts wait for room,
// because the one that was woken last has not come yet, it lets them in first.
func (e *Engine[T]) takeOrServe(buf []T) (int, Outcome) {
	n, o := e.takeSome(buf)
	if o == Empty && e.putters.parked.Load() > 0 {
		e.serve(1, true)
		n, o = e.takeSome(buf)
	}
	return n, o
}
