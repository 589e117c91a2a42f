package engine

import (
	"context"
	"runtime"
	"unsafe"
)

// Single items go by pointer: a large one is copied once on its way in and once
// on its way out. No call keeps the pointer.

// Put puts after the queue was full just now. It waits for room until
// ctx is done or halt, which may be nil, is closed. It returns OK, Closed or Canceled.
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

// A consumer that made room does not merely wake the first of the calls that wait
// for it: it puts that call's items into the queue itself. So a waiter is served
// in its turn however late it gets a processor, and running producers cannot
// overtake it again and again.
//
// While a served waiter is on its way, consumers leave the others alone unless
// the queue runs empty: the waiter lets the next one in when it runs.

// putWaiter returns one to be filled in and given to putWait.
func (e *Engine[T]) putWaiter() *carrier[T] {
	e.putters.mu.Lock()
	defer e.putters.mu.Unlock()
	return carrierFrom[T](&e.putters.waiterList)
}

// finishLocked takes a waiter off the list with its result. One that was woken
// has its token already.
func (s *waiters) finishLocked(w *waiter, o Outcome) {
	w.out = o
	if w.woken {
		s.remove(w)
		return
	}
	s.inFlight++
	s.send(w)
}

// closeAll ends all waits of a closed engine.
func (s *waiters) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.first != nil {
		s.finishLocked(s.first, Closed)
	}
	s.updateLocked()
}

// putWait is the slow path of Put and PutN: what is left in w.items did not fit.
func (e *Engine[T]) putWait(done, halt <-chan struct{}, w *carrier[T]) (int, Outcome) {
	s := &e.putters
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushBack(&w.waiter)
	e.serveLocked(1, true) // room may have come before this call was seen in the list
	for {
		s.mu.Unlock()
		in := w.park(done, halt)
		s.mu.Lock()
		if in || !w.listed || w.woken {
			s.inFlight--
		}
		if w.listed && in { // a batch, to help itself to the room that is there
			w.woken = false
			e.serveLocked(1, true)
			continue
		}
		if w.listed {
			s.remove(&w.waiter)
			w.out = Canceled
		}
		if s.inFlight == 0 {
			e.serveLocked(1, false)
		} else {
			s.updateLocked()
		}
		n, o := w.n, w.out
		w.keep(&s.waiterList)
		return n, o
	}
}

// serve lets up to most waiting puts in, as far as there is room.
func (e *Engine[T]) serve(most int, whatFits bool) {
	e.putters.mu.Lock()
	defer e.putters.mu.Unlock()
	e.serveLocked(most, whatFits)
}

// serveLocked puts the items of the first waiters, in order. A batch that does
// not fit as a whole gets whatFits, or it is woken to help itself: by the time
// it runs there is more room, and consumers need not feed it item by item.
func (e *Engine[T]) serveLocked(most int, whatFits bool) {
	s := &e.putters
	s.updateLocked()
	for range most {
		w := s.first
		if w == nil {
			break
		}
		rest := carrierOf[T](w).items[w.n:]
		if !whatFits && len(rest) > 1 && e.capacity-e.Len() < len(rest) {
			if !w.woken {
				w.woken = true
				s.inFlight++
				w.ready <- struct{}{}
			}
			break
		}
		n, o := e.putSome(rest)
		w.n += n
		if o == Full {
			break
		}
		s.finishLocked(w, o)
	}
	s.updateLocked()
}
