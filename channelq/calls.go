package channelq

import (
	"context"
	"slices"
	"time"
)

// pose is where a worker waits, if it does.
type pose uint8

const (
	busy    pose = iota
	queuing      // in the queue
	resting      // beside it, because there is nothing to take or it may not
)

// bell ends a worker's wait. It is the context that the wait in the queue ends
// with, and serves again for the next one: it sends a token where a context
// would be done for good.
type bell chan struct{}

func (b bell) Done() <-chan struct{}           { return b }
func (bell) Deadline() (at time.Time, ok bool) { return at, false }
func (bell) Err() error                        { return nil }
func (bell) Value(any) any                     { return nil }

var _ context.Context = bell(nil)

// restLocked waits for a call, unless another worker has an item for this one in
// its hands.
func (w *Workers[T]) restLocked(s *slot[T]) {
	w.poseLocked(s, resting)
	if !w.paused && w.takeBackAllLocked() {
		w.riseLocked(s)
		return
	}
	if w.drained || w.stopping {
		w.pokeManager() // it may have been the last thing manage waited for
	}
	w.mu.Unlock()
	<-s.bell
	w.mu.Lock()
	w.comeLocked(s)
}

// comeLocked is for a worker whose wait was ended by a call.
func (w *Workers[T]) comeLocked(s *slot[T]) {
	s.called = true
	w.coming--
	w.updateLocked()
}

func (w *Workers[T]) updateLocked() { w.wanted.Store(w.waiting > 0 && w.coming == 0) }

// poseLocked says that the worker waits. That comes before its last look at what
// it waits for.
func (w *Workers[T]) poseLocked(s *slot[T], p pose) {
	s.pose, s.called = p, false
	w.waiting++
	w.updateLocked()
}

// riseLocked ends a wait, unless a call did already: then false.
func (w *Workers[T]) riseLocked(s *slot[T]) bool {
	if s.pose == busy {
		return false
	}
	s.pose = busy
	w.waiting--
	w.updateLocked()
	return true
}

// callOneLocked fetches one worker that waits, if there is one.
func (w *Workers[T]) callOneLocked() { _ = slices.ContainsFunc(w.slots, w.callLocked) }

func (w *Workers[T]) callAllLocked() {
	for _, s := range w.slots {
		w.callLocked(s)
	}
}

// callLocked fetches s from its wait, if it waits and nobody else has called it.
func (w *Workers[T]) callLocked(s *slot[T]) bool {
	if !w.riseLocked(s) {
		return false
	}
	w.coming++
	w.updateLocked()
	s.bell <- struct{}{}
	return true
}

// holdAllLocked keeps every worker from starting a handler, also one that has
// items in hand already, once attention is set: a worker that was not free to be
// held comes past attention before it starts anything but the rest of its run.
func (w *Workers[T]) holdAllLocked() {
	for _, s := range w.slots {
		s.grip.CompareAndSwap(free, held)
	}
	w.takeBackAllLocked()
	w.callAllLocked()
}
