package engine

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// waiter is the parking place of one call. It is listed while it waits for its
// turn; the call that takes it off the list puts a token into ready, under the lock of
// that list, so that off the list means that the token is there.
type waiter struct {
	next, prev *waiter
	listed     bool
	woken      bool // a listed batch was sent a token to help itself
	ready      chan struct{}

	n     int // how many of its items are done
	out   Outcome
	since int64 // in a rendezvous: when the item came, if it is sampled
}

// carrier is the waiter of a call with items. Lists know the waiter alone, so that
// their code does not depend on T.
type carrier[T any] struct {
	waiter
	items []T  // what is to be put
	one   [1]T // the place of a single item
}

// carrierOf returns what w is the first field of. All waiters of a list that any
// carrier is put into are carriers.
func carrierOf[T any](w *waiter) *carrier[T] { return (*carrier[T])(unsafe.Pointer(w)) }

// carrierFrom returns a carrier from the list that keeps them.
func carrierFrom[T any](l *waiterList) *carrier[T] {
	if w := l.reuse(); w != nil {
		return carrierOf[T](w)
	}
	return &carrier[T]{waiter: waiter{ready: make(chan struct{}, 1)}}
}

// keep forgets the items and gives the waiter back to the list for the next call.
func (p *carrier[T]) keep(l *waiterList) {
	p.items, p.one = nil, [1]T{}
	l.keep(&p.waiter)
}

// park waits for the token, or for the end of done or halt: then false. Both come
// from who waits, before it is listed: a context's Done is foreign code.
func (w *waiter) park(done, halt <-chan struct{}) bool {
	if halt != nil {
		select {
		case <-w.ready:
			return true
		case <-done:
		case <-halt:
		}
		return false
	}
	if done == nil {
		<-w.ready
		return true
	}
	select {
	case <-w.ready:
		return true
	case <-done:
		return false
	}
}

// waiterList is a list of waiters in the order of their arrival, guarded by the
// lock of its owner. It keeps waiters for the next call: they belong to this queue
// alone, since a channel made in one synctest bubble must not reach another.
type waiterList struct {
	first, last *waiter
	length      int
	free        *waiter
	kept        int
}

// maxKept bounds the memory that a crowd of waiters leaves in memory.
const maxKept = 1024

// reuse returns a waiter that was kept, or nil.
func (l *waiterList) reuse() *waiter {
	w := l.free
	if w != nil {
		l.free, w.next = w.next, nil
		l.kept--
	}
	return w
}

// keep takes back a waiter that is off the list, with its token if that was not
// received.
func (l *waiterList) keep(w *waiter) {
	if l.kept >= maxKept {
		return
	}
	select {
	case <-w.ready:
	default:
	}
	*w = waiter{ready: w.ready, next: l.free}
	l.free = w
	l.kept++
}

func (l *waiterList) pushBack(w *waiter) {
	w.listed, w.prev, w.next = true, l.last, nil
	if l.last != nil {
		l.last.next = w
	} else {
		l.first = w
	}
	l.last = w
	l.length++
}

func (l *waiterList) pushFront(w *waiter) {
	w.listed, w.prev, w.next = true, nil, l.first
	if l.first != nil {
		l.first.prev = w
	} else {
		l.last = w
	}
	l.first = w
	l.length++
}

func (l *waiterList) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.last = w.prev
	}
	w.listed, w.prev, w.next = false, nil, nil
	l.length--
}

// send takes a listed waiter off the list and wakes it.
func (l *waiterList) send(w *waiter) {
	l.remove(w)
	w.ready <- struct{}{}
}

// waiters are the parked calls of one side and the rule by which they are woken:
// one wake-up is in flight at a time. The call that received it lets the next one in if
// there is something for it. So a burst of items is not a burst of wake-ups for
// what a running call takes anyway.
type waiters struct {
	// needsWakeup: a call is parked and no wake-up is in flight. It is all that
	// the other side looks at. A waiter sets it before its last look at the queue,
	// the other side loads it after it has published: one of the two sees the other.
	needsWakeup atomic.Bool
	parked      atomic.Int32 // the length of the list
	mu          sync.Mutex
	waiterList
	inFlight int // waiters that were sent a token and have not run yet
}

func (s *waiters) updateLocked() {
	// Most calls change neither, and a store costs as much as a lock.
	if needs := s.first != nil && s.inFlight == 0; needs != s.needsWakeup.Load() {
		s.needsWakeup.Store(needs)
	}
	if n := int32(s.length); n != s.parked.Load() {
		s.parked.Store(n)
	}
}

// wake sends the one wake-up, unless another call just did.
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
