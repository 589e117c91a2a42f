package channelq

import "github.com/steadgo/stead/internal/guard"

// admitLocked asks for the key of an item and claims it. False means that the
// item has to wait for its key, or that a stop has given up on the question.
func (w *Workers[T]) admitLocked(s *slot[T], item T) (entry[T], bool) {
	s.run[0] = item
	w.findKey(s)
	e := entry[T]{item: item, past: s.past}
	if !w.backLocked(s) {
		return e, false // and the slot is gone
	}
	clear(s.run)
	if e.refused == nil && !w.parked.admit(e) {
		w.parkedByLocked(1)
		return e, false
	}
	return e, true
}

// findKey asks for the key of the item in hand, without the lock, which it takes
// again also if Key ends the goroutine. Meanwhile the slot counts as running, so
// that a stop can give up on a Key that does not return.
func (w *Workers[T]) findKey(s *slot[T]) {
	w.mu.Unlock()
	defer w.mu.Lock()
	s.keying, s.past = true, past{}
	s.own = started(1)
	s.grip.Store(s.own)
	s.past.refused = guard.Call(func() error { s.past.key = w.cfg.Key(s.run[0]); return nil })
	s.keying = false
}

// backLocked ends what findKey began. False means that a stop has given up on it.
func (w *Workers[T]) backLocked(s *slot[T]) bool {
	if w.paused || w.ending {
		return s.grip.CompareAndSwap(s.own, held)
	}
	return s.grip.CompareAndSwap(s.own, free)
}

// resumeKeying is resume for a Key that ended the goroutine.
func (w *Workers[T]) resumeKeying(s *slot[T], err error) bool {
	w.mu.Lock()
	mine := w.backLocked(s)
	w.leading = false
	w.mu.Unlock()
	if mine {
		s.keying = false
		s.past.refused = err
		w.giveBack(entry[T]{item: s.run[0], past: s.past})
		clear(s.run)
	}
	return mine
}

// leaveKey lets the next item of the key go.
func (w *Workers[T]) leaveKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked.leave(key) // the worker finds it itself, it looks for due items next
	w.refreshLocked()
}
