package channelq

import (
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/steadgo/stead/internal/guard"
)

// slot is one worker.
type slot[T any] struct {
	index int // counts the workers ever made
	grip  atomic.Uint32
	own   grip // the worker's copy: it may be behind grip

	// What the worker took. Of the items from grip's next on it may be taken
	// back, by whoever holds the workers' mutex; the one before is in hand.
	run  []T
	past past // of the item in hand

	runs  uint64 // attempts, to sample their durations
	quick bool   // the last one sampled was short
	ahead bool   // the last look at the queue was worth a run
	crew  int    // workers there were at the last look around

	keying bool          // it asks for the key of the item in hand
	final  *GiveUpError  // the attempt failed; set while user code is asked what that means
	delay  time.Duration // until the next attempt

	// Below: guarded by the workers' mutex.
	pose   pose
	bell   bell // one token, from who ended the pose
	called bool // so the last wait ended
	seen   grip // when another worker looked last
	gone   bool
}

// newSlotLocked makes a worker. Those that never take ahead have room for one
// item, as have those of items so large that the copies cost more than is saved.
func (w *Workers[T]) newSlotLocked() *slot[T] {
	room := 1
	if w.mayRun() && unsafe.Sizeof(*new(T)) <= 128 {
		room = maxRun
	}
	s := &slot[T]{index: w.made, run: make([]T, room), bell: make(bell, 1), crew: w.target}
	w.made++
	return s
}

// spawnLocked brings the number of workers up to the target. Only manage calls
// it, so that workers inherit the labels of the goroutine that called Start.
func (w *Workers[T]) spawnLocked() {
	for !w.ending && len(w.slots) < w.target {
		s := w.newSlotLocked()
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
	for mine := true; mine; {
		if n := w.takeQuick(s); n > 0 {
			mine = w.runAll(s, n)
			continue
		}
		e, ok := w.next(s)
		if !ok {
			return
		}
		mine = w.run(s, e)
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
	w.slots = slices.DeleteFunc(w.slots, func(other *slot[T]) bool { return other == s })
	w.q.books.workers.Add(-1)
	w.refreshLocked()
	w.callOneLocked() // it may have been called for something that is still to do
}

// resume settles what was in the hands of a worker whose goroutine was ended by
// a runtime.Goexit in user code, which is not asked a second time. False means
// that the slot was abandoned.
func (w *Workers[T]) resume(s *slot[T], err error) bool {
	if s.keying {
		return w.resumeKeying(s, err)
	}
	w.takeBack(s)
	if s.grip.Load() == abandoned {
		return false
	}
	w.q.books.panics.Add(1)
	if s.final != nil {
		_, mine := w.finish(s, gaveUp, err)
		return mine
	}
	return w.settled(s, err)
}

// observe is deferred, so that it also sees an attempt that ends by Goexit.
func (w *Workers[T]) observe(s *slot[T], start time.Time) {
	if s.grip.Load() == abandoned { // the books are closed for that one
		return
	}
	took := time.Since(start)
	s.quick = took < quickHandler
	w.q.books.handle.observe(took)
}
