package channelq

import "github.com/steadgo/stead/channelq/internal/engine"

// next waits for the item the worker handles next. False means that the worker
// is not needed any more.
func (w *Workers[T]) next(s *slot[T]) (entry[T], bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.ending || len(w.slots) > w.target || s.gone {
			w.removeLocked(s)
			return entry[T]{}, false
		}
		s.crew = len(w.slots)
		if w.paused {
			w.restLocked(s)
			continue
		}
		s.grip.CompareAndSwap(held, free)
		w.probeLocked()
		e, ok := w.popDueLocked()
		if !ok {
			if !w.mayTakeLocked() {
				w.restLocked(s)
				continue
			}
			e, ok = w.takeLocked(s)
		}
		if ok {
			w.passOnLocked(s)
			return e, true
		}
	}
}

// passOnLocked is for a worker that was called and has found something: there
// may be more, for the next one.
func (w *Workers[T]) passOnLocked(s *slot[T]) {
	if s.called && (w.parked.due.n > 0 || w.mayRun()) {
		w.callOneLocked()
	}
	s.called = false
}

// popDueLocked takes what is due and calls another worker if that is not all.
func (w *Workers[T]) popDueLocked() (entry[T], bool) {
	e, ok := w.parked.popDue()
	if !ok {
		return e, false
	}
	w.parkedByLocked(-1)
	w.refreshLocked()
	// With keys there may also be room again for what has to wait.
	if w.parked.due.n > 0 || w.cfg.Key != nil && w.mayTakeLocked() {
		w.callOneLocked()
	}
	return e, true
}

// mayTakeLocked: with keys, only one worker at a time may be between the queue
// and the lines of the keys, or two items of one key could change places there;
// and only while there is room for an item that has to wait.
func (w *Workers[T]) mayTakeLocked() bool {
	if w.drained || w.stopping && w.cfg.Detach {
		return false
	}
	return w.cfg.Key == nil || !w.leading && w.parked.size() < max(w.q.Cap(), 1)
}

// takeLocked waits for an item, without the lock. False means that there is none
// for this worker, which then has to look around again.
func (w *Workers[T]) takeLocked(s *slot[T]) (e entry[T], ok bool) {
	w.leading = w.cfg.Key != nil
	item, o := w.queueLocked(s)
	switch o {
	case engine.OK:
		e, ok = entry[T]{item: item}, true
		if w.leading {
			e, ok = w.admitLocked(s, item)
		}
	case engine.Closed:
		w.drained = true
		w.refreshLocked()
		w.pokeManager()
	default:
	}
	if w.cfg.Key != nil && !s.gone {
		w.leading = false
		w.callOneLocked() // to be the next at the queue
	}
	return e, ok
}

// queueLocked waits in the queue, unless another worker has an item for this one
// in its hands.
func (w *Workers[T]) queueLocked(s *slot[T]) (item T, o engine.Outcome) {
	o = w.q.engine.TryTake(&item)
	if o != engine.Empty {
		return item, o
	}
	w.poseLocked(s, queuing)
	if w.takeBackAllLocked() {
		w.riseLocked(s)
		return item, engine.Empty
	}
	w.mu.Unlock()
	o = w.q.engine.Take(s.bell, &item)
	w.mu.Lock()
	if !w.riseLocked(s) {
		w.comeLocked(s)
		select { // the token was sent before the lock was free
		case <-s.bell: // and came too late to end the wait
		default:
		}
	}
	return item, o
}
