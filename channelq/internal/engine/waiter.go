package engine

import "context"

// maxSpare bounds how many waiters are kept for the next wait. The free list
// belongs to the engine and not to the package: a channel that was made inside
// a synctest bubble must not be waited for outside it.
const maxSpare = 128

// waiter is one parked call. Its fields belong to the engine's mutex from the
// moment it is listed until it is taken off the list.
type waiter[T any] struct {
	ready   chan struct{} // gets one token when the wait is settled
	items   []T           // of a put: what is not put yet; of a take: the room
	n       int           // how many items were moved
	outcome Outcome
	settled bool
	sampled samples
	one     [1]T // the items of a call for a single one

	prev, next *waiter[T]
}

// waiters is a first-in first-out list.
type waiters[T any] struct{ head, tail *waiter[T] }

func (l *waiters[T]) push(w *waiter[T]) {
	w.prev = l.tail
	if l.tail == nil {
		l.head = w
	} else {
		l.tail.next = w
	}
	l.tail = w
}

func (l *waiters[T]) remove(w *waiter[T]) {
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// settle takes w off the list and wakes its call.
func (l *waiters[T]) settle(w *waiter[T], o Outcome) {
	l.remove(w)
	w.outcome, w.settled = o, true
	w.ready <- struct{}{}
}

func (l *waiters[T]) settleAll(o Outcome) {
	for l.head != nil {
		l.settle(l.head, o)
	}
}

// waitLocked parks the call behind w until it is settled or ctx ends, with the mutex
// held on entry and on return. A wait that was settled before the mutex was won
// counts as settled although ctx ended: its items have moved.
func (e *Engine[T]) waitLocked(ctx context.Context, l *waiters[T], w *waiter[T]) {
	l.push(w)
	e.mu.Unlock()
	select {
	case <-w.ready:
		e.mu.Lock()
	case <-ctx.Done():
		e.mu.Lock()
		if w.settled {
			<-w.ready
			return
		}
		l.remove(w)
		w.outcome = Cancelled
	}
}

func (e *Engine[T]) newWaiterLocked() *waiter[T] {
	w := e.spare
	if w == nil {
		return &waiter[T]{ready: make(chan struct{}, 1)}
	}
	e.spare, w.next = w.next, nil
	e.spares--
	return w
}

func (e *Engine[T]) freeWaiterLocked(w *waiter[T]) {
	if e.spares >= maxSpare {
		return
	}
	*w = waiter[T]{ready: w.ready, next: e.spare} // forgets the items, so that they can be collected
	e.spare = w
	e.spares++
}
