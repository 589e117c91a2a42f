package engine

func (e *Engine[T]) slot(i uint64) *T { return &e.ring[i%uint64(len(e.ring))] }

// pushLocked fills the next slot. There must be room.
func (e *Engine[T]) pushLocked(v T) {
	*e.slot(e.tail) = v
	e.stampLocked(e.tail)
	e.tail++
	e.highWater = max(e.highWater, int(e.tail-e.head))
}

// popLocked empties the oldest slot. There must be one. A nil s means that the
// item is given up and not taken, which is no wait to report.
func (e *Engine[T]) popLocked(s *samples) T {
	var zero T
	slot := e.slot(e.head)
	v := *slot
	*slot = zero // so that the item can be collected as soon as it is taken
	if s != nil {
		e.sampleLocked(e.head, s)
	}
	e.head++
	return v
}

// handLocked gives v to the first waiting take, through a slot that is filled
// and emptied at once.
func (e *Engine[T]) handLocked(v T) {
	w := e.takers.head
	w.items[w.n] = v
	w.n++
	e.stampLocked(e.tail)
	e.sampleLocked(e.tail, &w.sampled)
	e.head++
	e.tail++
}

func (e *Engine[T]) tryPutLocked(v T) Outcome {
	switch {
	case e.closed:
		return Closed
	case e.takers.head != nil:
		e.handLocked(v)
		e.takers.settle(e.takers.head, OK)
		return OK
	case e.tail-e.head < uint64(len(e.ring)):
		e.pushLocked(v)
		return OK
	}
	return Full
}

func (e *Engine[T]) tryPutNLocked(vs []T) (int, Outcome) {
	if e.closed {
		return 0, Closed
	}
	n := 0
	for n < len(vs) && e.takers.head != nil {
		w := e.takers.head
		for n < len(vs) && w.n < len(w.items) {
			e.handLocked(vs[n])
			n++
		}
		e.takers.settle(w, OK)
	}
	for n < len(vs) && e.tail-e.head < uint64(len(e.ring)) {
		e.pushLocked(vs[n])
		n++
	}
	if n < len(vs) {
		return n, Full
	}
	return n, OK
}

func (e *Engine[T]) tryTakeNLocked(buf []T, s *samples) (int, Outcome) {
	if len(buf) == 0 {
		return 0, OK
	}
	n := 0
	for n < len(buf) && e.head != e.tail {
		buf[n] = e.popLocked(s)
		n++
		e.refillLocked()
	}
	for n < len(buf) && e.putters.head != nil { // only a rendezvous still has any
		buf[n] = e.nextPutLocked()
		e.stampLocked(e.tail)
		e.sampleLocked(e.tail, s)
		e.head++
		e.tail++
		n++
	}
	switch {
	case n > 0:
		e.announceDrainLocked()
		return n, OK
	case e.closed:
		return 0, Closed
	}
	return 0, Empty
}

// refillLocked moves in what the first waiting put has, after a slot was
// emptied.
func (e *Engine[T]) refillLocked() {
	for e.putters.head != nil && e.tail-e.head < uint64(len(e.ring)) {
		e.pushLocked(e.nextPutLocked())
	}
}

// nextPutLocked takes the next item from the first waiting put, which is
// settled when that was its last one.
func (e *Engine[T]) nextPutLocked() T {
	w := e.putters.head
	v := w.items[w.n]
	w.n++
	if w.n == len(w.items) {
		e.putters.settle(w, OK)
	}
	return v
}
