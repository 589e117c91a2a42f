package engine

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
