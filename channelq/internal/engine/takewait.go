package engine

import (
	"context"
	"sync"
	"sync/atomic"
)

// takers are the calls that wait for an item. One wake-up is on its way at a
// time: whoever received it wakes the next one if there is more, which keeps a
// burst of puts from waking everybody for an item that a running consumer takes.
type takers[T any] struct {
	// needsWakeup: somebody is parked and no wake-up is on its way. It is all that a
	// put looks at.
	needsWakeup atomic.Bool
	mu          sync.Mutex
	waiterList[T]
	wakeupsInFlight int // waiters that were woken and have not looked yet
}

// updateLocked sets needsWakeup. A waiter sets it before its last look at the queue,
// a put loads it after publishing: one of the two sees the other.
func (s *takers[T]) updateLocked() { s.needsWakeup.Store(s.first != nil && s.wakeupsInFlight == 0) }

// wake sends the one wake-up, unless somebody else just did.
func (s *takers[T]) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.needsWakeup.Load() {
		s.wakeupsInFlight++
		s.send(s.first)
		s.updateLocked()
	}
}

// wakeAll sends everybody to look again.
func (s *takers[T]) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.first != nil {
		s.wakeupsInFlight++
		s.send(s.first)
	}
	s.updateLocked()
}

// join parks a new waiter at the back.
func (s *takers[T]) join() *waiter[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.get()
	s.pushBack(w)
	s.updateLocked()
	return w
}

// rejoin parks a waiter again that was woken and found nothing: at the front,
// since nobody who came later may be served before it.
func (s *takers[T]) rejoin(w *waiter[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeupsInFlight--
	s.pushFront(w)
	s.updateLocked()
}

// leave ends a wait. If w was woken, the wake-up that it holds ends here too,
// and the caller must pass it on.
func (s *takers[T]) leave(w *waiter[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.listed {
		s.remove(w)
	} else {
		s.wakeupsInFlight--
	}
	s.put(w)
	s.updateLocked()
}

// takeWait is the slow path of Take and TakeN. It parks at once, unlike a put
// that found the queue full: the put that wakes it runs it next on its own
// processor, where the items are, and they need not cross to another core. One
// that yields a few times and looks again keeps its processor, and with items of
// several cache lines each that made a queue of 64 four times as slow.
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

// passWakeup wakes the next consumer if there is something for it. It comes after
// leave has set needsWakeup: a put that was published too late to be seen here sees
// call.
func (e *Engine[T]) passWakeup() {
	if e.takers.needsWakeup.Load() && e.Len() > 0 {
		e.takers.wake()
	}
}

// takeOrServe is takeSome; when the queue is empty although puts wait for room,
// because the one that was woken last has not come yet, it lets them in first.
func (e *Engine[T]) takeOrServe(buf []T) (int, Outcome) {
	n, o := e.takeSome(buf)
	if o == Empty && e.putters.parked.Load() > 0 {
		e.serve(e.burst, true)
		n, o = e.takeSome(buf)
	}
	return n, o
}
