package engine

import "runtime"

// PutOldest never waits: when there is no room the oldest item gives way and is
// returned. OK or Closed. With capacity 0 and no waiting take, v itself is
// returned as displaced.
func (e *Engine[T]) PutOldest(v T) (displaced T, was bool, o Outcome) {
	return e.displace(v, e.swapOldest)
}

// PutNewest never waits: when there is no room the newest item gives way and is
// returned. OK or Closed. With capacity 0 and no waiting take, v itself is
// returned as displaced.
func (e *Engine[T]) PutNewest(v T) (displaced T, was bool, o Outcome) {
	return e.displace(v, e.swapNewest)
}

// displace puts v if there is room and swaps it in otherwise. Each turn of the
// loop means that another call went through, or stands between its two atomics.
func (e *Engine[T]) displace(v T, swap func(h uint64, v T) (T, Outcome)) (displaced T, was bool, o Outcome) {
	if e.meeting != nil {
		return e.meeting.displace(v)
	}
	for {
		if o = e.putOne(&v); o != Full {
			return displaced, false, o
		}
		h := e.head.Load()
		if h&locked == 0 && e.head.CompareAndSwap(h, h|locked) {
			if displaced, o = swap(h/step, v); o != pending {
				return displaced, o == OK, o
			}
		}
		runtime.Gosched()
	}
}

// While the queue is full and the caller of these holds the lock bit, nothing
// moves: consumers lack the lock and producers lack room. Both release the lock
// bit, and return pending when there is room or the item is not in place yet.

// swapOldest takes the item at h and puts v behind the newest one.
func (e *Engine[T]) swapOldest(h uint64, v T) (displaced T, o Outcome) {
	t := e.tail.Load()
	run := e.inPlace(h)
	switch {
	case t&closed != 0:
		e.release(0)
		return displaced, Closed
	case run == 0 || ahead(t/step, h) < e.capacity:
		e.release(0)
		return displaced, pending
	}
	// The claim beyond the capacity comes before head moves, so that no other
	// producer gets the room. Only a close can come between.
	if !e.tail.CompareAndSwap(t, t+step) {
		e.release(0)
		return displaced, pending
	}
	e.keepRest(h, run, 1)
	// With a capacity that is a power of two both are the same slot.
	slot := &e.values[h&e.mask]
	displaced = *slot
	if e.pointers {
		var zero T
		*slot = zero
	}
	pos := t / step
	if e.samples != nil {
		e.samples.stamp(pos, 1)
	}
	e.values[pos&e.mask] = v
	e.publish(pos, 1)
	e.release(1)
	return displaced, OK
}

// swapNewest replaces the last item where it stands.
func (e *Engine[T]) swapNewest(h uint64, v T) (displaced T, o Outcome) {
	t := e.tail.Load()
	newest := t/step - 1
	turn := e.turns[newest&e.mask].Load() - newest<<turnShift
	switch {
	case t&closed != 0:
		e.release(0)
		return displaced, Closed
	case turn != 1 && turn != lastOfRun || ahead(t/step, h) < e.capacity:
		e.release(0)
		return displaced, pending
	}
	slot := &e.values[newest&e.mask]
	displaced, *slot = *slot, v
	if e.samples != nil {
		e.samples.stamp(newest, 1)
	}
	e.swapped.Add(1)
	e.release(0)
	return displaced, OK
}
