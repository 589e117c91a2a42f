package engine

import (
	"context"
	"sync"
	"unsafe"
)

// rendezvous is the engine of capacity 0: nothing is stored, a put hands its item
// to a take that waits, or waits for one itself. One mutex and two lines, of
// which at most one is not empty.
type rendezvous[T any] struct {
	mu         sync.Mutex
	puts       waiterList
	takes      waiterList
	closed     bool
	handedOver uint64 // items handed over or evicted
	samples    *samples
	drained    chan struct{}
}

// tryPut hands items to takes that wait, one to each: OK, Full or Closed.
func (m *rendezvous[T]) tryPut(vs []T) (int, Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offerLocked(vs)
}

func (m *rendezvous[T]) offerLocked(vs []T) (int, Outcome) {
	for n := range vs {
		w := m.takes.first
		switch {
		case m.closed:
			return n, Closed
		case w == nil:
			return n, Full
		}
		carrierOf[T](w).one[0], w.out = vs[n], OK
		if m.countLocked() {
			w.since = m.samples.now()
		}
		m.takes.send(w)
	}
	return len(vs), OK
}

// countLocked counts an item and says whether its wait is to be reported.
func (m *rendezvous[T]) countLocked() (sampled bool) {
	m.handedOver++
	return m.samples != nil && m.handedOver%sampleEvery == 1
}

// putOne hands *v over or waits for a take: OK, Closed or Canceled.
func (m *rendezvous[T]) putOne(done, halt <-chan struct{}, v *T) Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := carrierFrom[T](&m.puts)
	w.one[0] = *v
	w.items = w.one[:]
	_, o := m.putLocked(done, halt, w)
	return o
}

// putAll is putOne for many items, handed over one after the other.
func (m *rendezvous[T]) putAll(done, halt <-chan struct{}, vs []T) (int, Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := carrierFrom[T](&m.puts)
	w.items = vs
	return m.putLocked(done, halt, w)
}

// putLocked hands over w's items. It gives the lock up while it waits.
func (m *rendezvous[T]) putLocked(done, halt <-chan struct{}, w *carrier[T]) (int, Outcome) {
	w.n, w.out = m.offerLocked(w.items)
	if w.out == Full {
		if m.samples != nil {
			w.since = m.samples.now()
		}
		m.puts.pushBack(&w.waiter)
		m.mu.Unlock()
		w.park(done, halt)
		m.mu.Lock()
		if w.listed {
			m.puts.remove(&w.waiter)
			w.out = Canceled
		}
	}
	n, o := w.n, w.out
	w.keep(&m.puts)
	return n, o
}

// tryTake takes what puts that wait have on offer: OK, Empty or Closed.
func (m *rendezvous[T]) tryTake(buf []T) (int, Outcome) {
	m.mu.Lock()
	n, since, o := m.collectLocked(buf)
	m.mu.Unlock()
	if since != 0 {
		m.samples.report(since)
	}
	return n, o
}

func (m *rendezvous[T]) collectLocked(buf []T) (n int, since int64, o Outcome) {
	for ; n < len(buf) && m.puts.first != nil; n++ {
		w := carrierOf[T](m.puts.first)
		buf[n] = w.items[w.n]
		if m.countLocked() {
			since = w.since
		}
		if w.n++; w.n == len(w.items) {
			w.out = OK
			m.puts.send(&w.waiter)
		}
	}
	switch {
	case n > 0 || len(buf) == 0:
		return n, since, OK
	case m.closed:
		return 0, 0, Closed
	default:
		return 0, 0, Empty
	}
}

// take waits until a put offers something: OK, Closed or Canceled.
func (m *rendezvous[T]) take(ctx context.Context, buf []T) (int, Outcome) {
	done := ctx.Done()
	m.mu.Lock()
	n, since, o := m.collectLocked(buf)
	if o == Empty {
		w := carrierFrom[T](&m.takes)
		m.takes.pushBack(&w.waiter)
		m.mu.Unlock()
		w.park(done, nil)
		m.mu.Lock()
		switch {
		case w.listed:
			m.takes.remove(&w.waiter)
			o = Canceled
		case w.out == OK:
			buf[0] = w.one[0]
			n, since, o = 1, w.since, OK
		default:
			o = w.out
		}
		w.keep(&m.takes)
	}
	m.mu.Unlock()
	if since != 0 {
		m.samples.report(since)
	}
	return n, o
}

// evict hands *v to a take that waits, or leaves it to the caller: it is the oldest and
// the newest item of a queue that holds none.
func (m *rendezvous[T]) evict(v, evicted *T) (was bool, o Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, o = m.offerLocked(unsafe.Slice(v, 1)); o != Full {
		return false, o
	}
	m.handedOver++
	*evicted = *v
	return true, OK
}

func (m *rendezvous[T]) close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.closed = true
	for _, l := range []*waiterList{&m.puts, &m.takes} {
		for l.first != nil {
			l.first.out = Closed
			l.send(l.first)
		}
	}
	close(m.drained)
	return true
}

func (m *rendezvous[T]) totals() (put, taken uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.handedOver, m.handedOver
}
