package channelq

import (
	"context"
	"slices"
	"sync/atomic"

	engine "github.com/steadgo/stead/channelq/internal/fast"
	"github.com/steadgo/stead/internal/guard"
)

// The states of a slot. They decide who may do what with the worker's item:
//
//	free ----> running ----> free       the worker starts and ends a handler
//	  |           |
//	  v           v
//	held      abandoned                 Pause and Stop forbid the start, or give
//	                                    up on a handler that does not return
//
// Whoever makes the step with a compare-and-swap has the item; the other side
// leaves it alone. That is what keeps an item from being counted twice.
const (
	free uint32 = iota
	running
	held
	abandoned
)

// What the worker does with the queue. A caller that wants it back swaps taking
// for called and only then cancels, so that a worker that got an item at the
// same moment knows that it has a call to pass on.
const (
	away uint32 = iota
	taking
	called
)

// slot is one worker.
type slot[T any] struct {
	index int // counts the workers ever made
	state atomic.Uint32
	take  atomic.Uint32
	entry entry[T] // the item in hand: of the worker, or of who abandoned it
	runs  uint64   // attempts, to sample their durations

	keying bool         // it asks for the key of the item in hand
	final  *GiveUpError // the attempt failed; set while user code is asked what that means

	// Below: guarded by the workers' mutex.
	turn    context.Context // ends the wait in the queue
	recall  context.CancelFunc
	resting bool          // it does not wait in the queue but for
	bell    chan struct{} // one token, from who makes resting false
	gone    bool
}

// spawnLocked brings the number of workers up to the target. Only manage calls
// it, so that workers inherit the labels of the goroutine that called Start.
func (w *Workers[T]) spawnLocked() {
	for !w.ending && len(w.slots) < w.target {
		s := &slot[T]{index: w.made, bell: make(chan struct{}, 1)}
		s.turn, s.recall = context.WithCancel(context.Background())
		w.made++
		w.slots = append(w.slots, s)
		w.q.books.workers.Add(1)
		go w.serve(s, nil)
	}
}

// serve is a worker's goroutine. A Goexit in user code ends it; the worker then
// goes on in another one, which first settles what was in its hands.
func (w *Workers[T]) serve(s *slot[T], unwound error) {
	guard.Run(func() error {
		if unwound == nil || w.resume(s, unwound) {
			w.loop(s)
		}
		return nil
	}, func(err error) {
		if err != nil {
			go w.serve(s, err)
			return
		}
		w.leave(s)
	})
}

func (w *Workers[T]) loop(s *slot[T]) {
	for {
		e, ok := w.next(s)
		if !ok || !w.run(s, e) {
			return
		}
	}
}

func (w *Workers[T]) leave(s *slot[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeLocked(s)
	w.pokeManager()
}

func (w *Workers[T]) removeLocked(s *slot[T]) {
	if s.gone {
		return
	}
	s.gone = true
	s.recall()
	w.slots = slices.DeleteFunc(w.slots, func(other *slot[T]) bool { return other == s })
	w.q.books.workers.Add(-1)
	w.refreshLocked()
	w.callOneLocked() // it may have been called for something that is still to do
}

// next waits for the item the worker handles next. False means that the worker
// is not needed any more.
//
// While nothing needs attention this is only the queue. The order of the two
// atomics decides that no call is lost: the worker says that it is taking and
// then looks at attention, a caller sets attention and then looks who is taking.
func (w *Workers[T]) next(s *slot[T]) (entry[T], bool) {
	if !w.attention.Load() {
		item, o := w.q.engine.TryTake()
		if o == engine.OK {
			return entry[T]{item: item}, true
		}
		s.take.Store(taking)
		if !w.attention.Load() {
			item, o = w.q.engine.Take(s.turn)
		}
		if s.take.Swap(away) == called && o == engine.OK {
			w.passOn(s)
		}
		if o == engine.OK {
			return entry[T]{item: item}, true
		}
	}
	return w.nextWithAttention(s)
}

// nextWithAttention is next for when there is more than the queue.
func (w *Workers[T]) nextWithAttention(s *slot[T]) (entry[T], bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		w.rearmLocked(s)
		if w.ending || len(w.slots) > w.target || s.gone {
			w.removeLocked(s)
			return entry[T]{}, false
		}
		if !w.paused {
			s.state.CompareAndSwap(held, free)
			if e, ok := w.parked.popDue(); ok {
				w.parkedByLocked(-1)
				w.refreshLocked()
				if w.cfg.Key != nil && w.mayTakeLocked() {
					w.callOneLocked() // there is room again for what has to wait
				}
				return e, true
			}
			if w.mayTakeLocked() {
				if e, ok := w.takeLocked(s); ok {
					return e, true
				}
				continue
			}
		}
		w.restLocked(s)
	}
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
func (w *Workers[T]) takeLocked(s *slot[T]) (entry[T], bool) {
	w.leading = w.cfg.Key != nil
	s.take.Store(taking)
	o := w.fetch(s)
	wasCalled := s.take.Swap(away) == called
	if o == engine.OK && w.cfg.Key != nil && !w.backLocked(s) {
		return entry[T]{}, false // and the slot is gone
	}
	e := s.entry
	s.entry = entry[T]{}
	if w.cfg.Key != nil {
		w.leading = false
		if o == engine.OK && e.refused == nil && !w.parked.admit(e) {
			w.parkedByLocked(1)
			return e, false
		}
		w.callOneLocked() // to be the next at the queue
	}
	if o == engine.Closed {
		w.drained = true
		w.refreshLocked()
		w.pokeManager()
	}
	if wasCalled && len(w.parked.due) > 0 {
		w.callOneLocked()
	}
	return e, o == engine.OK
}

// fetch is the part of takeLocked without the lock, which it takes again also if
// Key ends the goroutine.
func (w *Workers[T]) fetch(s *slot[T]) engine.Outcome {
	w.mu.Unlock()
	defer w.mu.Lock()
	item, o := w.q.engine.Take(s.turn)
	s.entry = entry[T]{item: item}
	if o == engine.OK && w.cfg.Key != nil {
		w.findKey(s)
	}
	return o
}

// findKey asks for the key of the item in hand. Meanwhile the slot counts as
// running, so that a stop can give up on a Key that does not return.
func (w *Workers[T]) findKey(s *slot[T]) {
	s.keying = true
	s.state.Store(running)
	s.entry.refused = guard.Call(func() error { s.entry.key = w.cfg.Key(s.entry.item); return nil })
	s.keying = false
}

// backLocked ends what findKey began. False means that a stop has given up on it.
func (w *Workers[T]) backLocked(s *slot[T]) bool {
	if w.paused || w.ending {
		return s.state.CompareAndSwap(running, held)
	}
	return s.state.CompareAndSwap(running, free)
}
