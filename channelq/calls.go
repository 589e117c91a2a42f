package channelq

import "context"

// passOn is for a worker that was called and came back with an item of its own.
func (w *Workers[T]) passOn(s *slot[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rearmLocked(s)
	if len(w.parked.due) > 0 {
		w.callOneLocked()
	}
}

// rearmLocked makes the worker callable again.
func (w *Workers[T]) rearmLocked(s *slot[T]) {
	if s.turn.Err() != nil && !s.gone {
		s.turn, s.recall = context.WithCancel(context.Background())
	}
}

// restLocked waits for a call.
func (w *Workers[T]) restLocked(s *slot[T]) {
	s.resting = true
	if w.drained || w.stopping {
		w.pokeManager() // it may have been the last thing manage waited for
	}
	w.mu.Unlock()
	<-s.bell
	w.mu.Lock()
}

// callLocked fetches s from its wait, if it waits and nobody else has called it.
func (s *slot[T]) callLocked() bool {
	if s.resting {
		s.resting = false // or a second call would be taken for a second worker
		s.bell <- struct{}{}
		return true
	}
	if s.take.CompareAndSwap(taking, called) {
		s.recall()
		return true
	}
	return false
}

func (w *Workers[T]) callOneLocked() {
	for _, s := range w.slots {
		if s.callLocked() {
			return
		}
	}
}

func (w *Workers[T]) callAllLocked() {
	for _, s := range w.slots {
		s.callLocked()
	}
}

// holdAllLocked keeps every worker from starting a handler, also one that has an
// item in hand already.
func (w *Workers[T]) holdAllLocked() {
	for _, s := range w.slots {
		s.state.CompareAndSwap(free, held)
	}
	w.callAllLocked()
}
