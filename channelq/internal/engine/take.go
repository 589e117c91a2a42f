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

// TryTake is Take without waiting: OK, Empty or Closed.
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

// TryTakeN is TakeN without waiting: Empty when nothing is there.
func (e *Engine[T]) TryTakeN(buf []T) (int, Outcome) {
	if e.rendezvous != nil {
		return e.rendezvous.tryTake(buf)
	}
	for {
		n, o := e.takeSome(buf)
		if o == Empty && e.putters.parked.Load() > 0 {
			// Those that wait for room come before the answer "empty".
			e.serve(e.burst, true)
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
// known to be there.
func (e *Engine[T]) takeOne(v *T) Outcome {
	h := e.head.Load()
	pos := h / posUnit
	if h&(locked|closing) == 0 && distance(e.cachedTail.Load(), pos) > 0 &&
		(pos%sampleEvery != 0 || e.samples == nil) && e.head.CompareAndSwap(h, h|locked) {
		i := pos & e.mask
		*v = e.values[i]
		if e.pointers {
			var zero T
			e.values[i] = zero
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
	if e.samples != nil {
		for p := ceil(pos); p-pos < uint64(n); p += sampleEvery {
			put[sampled] = e.samples.at(p)
			sampled++
		}
	}
	at := int(pos & e.mask)
	a := e.values[at:min(at+n, len(e.values))]
	b := e.values[:n-len(a)]
	copy(buf[copy(buf, a):], b)
	if e.pointers {
		clear(a)
		clear(b)
	}
	e.release(n)
	for _, p := range put[:sampled] {
		e.samples.report(p)
	}
	return n
}

// lockHead takes head's lock bit if an item is there, and returns head and how
// many items are known to be there. Otherwise: Empty, Closed, or pending when
// another call keeps the lock bit.
//
// Looking before locking keeps head's line clean while the queue is empty. What
// was seen holds once the swap succeeds: only a holder of the lock bit moves
// head, and then head is another one, since it never repeats.
func (e *Engine[T]) lockHead() (h uint64, run int, o Outcome) {
	for range spins {
		h = e.head.Load()
		if h&locked == 0 {
			pos := h / posUnit
			known := e.known(pos)
			if known == 0 {
				// Tail is read after head and never behind it: equal means that
				// the queue was empty when tail was read.
				t := e.tail.Load()
				if t/posUnit == pos {
					if t&closed != 0 {
						return 0, 0, Closed
					}
					return 0, 0, Empty
				}
			}
			if e.head.CompareAndSwap(h, h|locked) {
				if known == 0 {
					known = e.refreshTail(pos)
				}
				return h, known, OK
			}
		}
		pause()
	}
	return 0, 0, pending
}

// known is how many items are there from pos on, as far as consumers know.
func (e *Engine[T]) known(pos uint64) int { return max(0, distance(e.cachedTail.Load(), pos)) }

// refreshTail brings cachedTail up to date, for the holder of head's lock bit at pos, and
// returns how many items are there.
func (e *Engine[T]) refreshTail(pos uint64) int {
	t := e.tail.Load() / posUnit
	e.cachedTail.Store(t)
	return distance(t, pos)
}

// release gives n slots back together with the lock bit. An add and not a store:
// Close may have set the closing bit meanwhile.
func (e *Engine[T]) release(n int) {
	if h := e.head.Add(uint64(n)*posUnit - locked); h&closing != 0 || e.hasWaiters() {
		e.afterRelease(h, n)
	}
}

// hasWaiters says whether a call is parked that a release may concern: a put that
// waits for the slots, or a take that found the lock bit set. It comes after the
// add; those calls set their flag before they look at head for the last time.
func (e *Engine[T]) hasWaiters() bool {
	return e.putters.needsWakeup.Load() || e.takers.needsWakeup.Load()
}

// afterRelease does what n freed slots and the head h, unlocked, give rise to.
func (e *Engine[T]) afterRelease(h uint64, n int) {
	if h&closing != 0 {
		e.checkDrained(h / posUnit)
	}
	if e.putters.needsWakeup.Load() {
		e.serve(min(n, e.burst), false)
	}
	e.passWakeup()
}
