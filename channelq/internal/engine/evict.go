package engine

import "unsafe"

// Victim says which item gives way when there is no room.
type Victim uint8

// The victims.
const (
	Oldest Victim = iota
	Newest
)

// PutEvict never waits: when there is no room the victim is moved to where evicted
// points and gives way to v; was says so. OK or Closed. With capacity 0 and no
// waiting take, v itself is evicted.
//
// Each turn of its loop means that another call went through, or stands between
// its two atomics.
func (e *Engine[T]) PutEvict(v, evicted *T, victim Victim) (was bool, o Outcome) {
	if e.rendezvous != nil {
		return e.rendezvous.evict(v, evicted)
	}
	for i := 0; ; i++ {
		if o = e.TryPut(v); o != Full {
			return false, o
		}
		h := e.head.Load()
		if h&locked == 0 && e.head.CompareAndSwap(h, h|locked) {
			// Not through a function value: v and evicted would escape.
			if victim == Oldest {
				o = e.swapOldest(h/posUnit, v, evicted)
			} else {
				o = e.swapNewest(h/posUnit, v, evicted)
			}
			if o != pending {
				return o == OK, o
			}
		}
		backOff(i)
	}
}

// While the queue is full and the caller of these holds both lock bits, nothing
// moves. They get head's from their caller and release both, and return pending
// when there is room.

// swapOldest takes the item at h and puts *v behind the newest one.
func (e *Engine[T]) swapOldest(h uint64, v, evicted *T) Outcome {
	pos, o := e.lockFull(h)
	if o != OK {
		return o
	}
	if h&e.mask == 0 {
		e.nextTakeChunk()
	}
	// With a capacity that is a power of two both may be the same slot.
	slot := &e.takeChunk.items[h&e.mask]
	*evicted = *slot
	if e.pointers {
		var zero T
		*slot = zero
	}
	e.write(pos, unsafe.Slice(v, 1))
	// Tail goes first, one beyond the capacity: no consumer is to find the queue
	// empty in between, and no other producer gets the room.
	e.publish(1)
	e.release(1)
	return OK
}

// swapNewest replaces the last item where it stands.
func (e *Engine[T]) swapNewest(h uint64, v, evicted *T) Outcome {
	pos, o := e.lockFull(h)
	if o != OK {
		return o
	}
	// A chunk is entered with its first position, so this is still the one of the last.
	slot := &e.putChunk.items[(pos-1)&e.mask]
	*evicted, *slot = *slot, *v
	e.stamp(pos-1, 1)
	e.swapped.Add(1)
	e.publish(0)
	e.release(0)
	return OK
}
