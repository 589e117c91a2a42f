package engine

// waiter is the parking place of one call. It is listed while it waits for its
// turn; whoever takes it off the list puts a token into ready, under the lock of
// that list, so that off the list means that the token is there.
type waiter[T any] struct {
	next, prev *waiter[T]
	listed     bool
	woken      bool // a listed batch was sent a token to help itself
	ready      chan struct{}

	items []T  // what is to be put
	one   [1]T // the place of a single item
	n     int  // how many of the items are done
	out   Outcome
	since int64 // in a rendezvous: when the item came, if it is sampled
}

// park waits for the token, or for the end of done or halt: then false. Both come
// from who waits, before it is listed: a context's Done is code of somebody else.
func (w *waiter[T]) park(done, halt <-chan struct{}) bool {
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

// waiterList is a list of waiters in the order of their arrival, guarded by the lock
// of its owner. It keeps waiters for the next call: they belong to this queue
// alone, since a channel made in one synctest bubble must not reach another.
type waiterList[T any] struct {
	first, last *waiter[T]
	length      int
	free        *waiter[T]
	kept        int
}

// maxKept bounds the memory that a crowd of waiters leaves behind.
const maxKept = 1024

func (l *waiterList[T]) get() *waiter[T] {
	w := l.free
	if w == nil {
		return &waiter[T]{ready: make(chan struct{}, 1)}
	}
	l.free, w.next = w.next, nil
	l.kept--
	return w
}

// put takes back a waiter that is off the list, with its token if that was not
// received, and forgets its items.
func (l *waiterList[T]) put(w *waiter[T]) {
	if l.kept >= maxKept {
		return
	}
	select {
	case <-w.ready:
	default:
	}
	*w = waiter[T]{ready: w.ready, next: l.free}
	l.free = w
	l.kept++
}

func (l *waiterList[T]) pushBack(w *waiter[T]) {
	w.listed, w.prev, w.next = true, l.last, nil
	if l.last != nil {
		l.last.next = w
	} else {
		l.first = w
	}
	l.last = w
	l.length++
}

func (l *waiterList[T]) pushFront(w *waiter[T]) {
	w.listed, w.prev, w.next = true, nil, l.first
	if l.first != nil {
		l.first.prev = w
	} else {
		l.last = w
	}
	l.first = w
	l.length++
}

func (l *waiterList[T]) remove(w *waiter[T]) {
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
func (l *waiterList[T]) send(w *waiter[T]) {
	l.remove(w)
	w.ready <- struct{}{}
}
