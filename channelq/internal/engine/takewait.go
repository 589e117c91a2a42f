package engine

import "context"

// wake sends the one wake-up, unless somebody else just did.
func (s *waiters) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.needsWakeup.Load() {
		s.inFlight++
		s.send(s.first)
		s.updateLocked()
	}
}

// wakeAll sends everybody to look again.
func (s *waiters) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.first != nil {
		s.inFlight++
		s.send(s.first)
	}
	s.updateLocked()
}

// join parks a new waiter at the back.
func (s *waiters) join() *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.reuse()
	if w == nil {
		w = &waiter{ready: make(chan struct{}, 1)}
	}
	s.pushBack(w)
	s.updateLocked()
	return w
}

// rejoin parks a waiter again that was woken and found nothing: at the front,
// since nobody who came later may be served before it.
func (s *waiters) rejoin(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	s.pushFront(w)
	s.updateLocked()
}

// leave ends a wait. If w was woken, the wake-up that it holds ends here too,
// and the caller must pass it on.
func (s *waiters) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.listed {
		s.remove(w)
	} else {
		s.inFlight--
	}
	s.keep(w)
	s.updateLocked()
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
