package channelq

import (
	"context"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

const sampleRuns = 64 // one attempt in this many is timed

// run is one item's time in a worker's hands. False means that a stop has given
// up on the handler: nothing here is the worker's any more.
func (w *Workers[T]) run(s *slot[T], e entry[T]) bool {
	if l := w.limiter.Load(); l != nil && l.Wait(w.base) != nil {
		w.giveBack(e)
		return true
	}
	s.entry = e
	s.entry.attempts++ // before the step: afterwards it may be read by a stop
	if !s.state.CompareAndSwap(free, running) {
		s.entry = entry[T]{}
		w.giveBack(e)
		return true
	}
	wait, mine := w.settle(s, w.attempt(s))
	if wait != nil {
		return w.keep(s, *wait)
	}
	return mine
}

// keep is run for a failed item that there was no room to park: it keeps the
// worker until its next attempt.
func (w *Workers[T]) keep(s *slot[T], e entry[T]) bool {
	timer := time.NewTimer(time.Until(e.due))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.base.Done(): // run gives it back then, since the slot is held
	}
	return w.run(s, e)
}

// giveBack makes an item due that may not be started now, before all others: it
// was taken before them.
func (w *Workers[T]) giveBack(e entry[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked.due = append([]entry[T]{e}, w.parked.due...)
	w.parkedByLocked(1)
	w.refreshLocked()
}

// attempt calls the handler.
func (w *Workers[T]) attempt(s *slot[T]) error {
	if s.entry.refused != nil {
		w.q.books.panics.Add(1)
		return Permanent(s.entry.refused)
	}
	if s.entry.attempts > 1 {
		w.q.books.retried.Add(1)
	}
	ctx := w.base
	if w.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.cfg.Timeout, ErrTimeout)
		defer cancel()
	}
	if s.runs++; s.runs%sampleRuns == 1 {
		defer w.observe(s, time.Now())
	}
	returned := false
	err := guard.Call(func() error {
		err := w.handle(ctx, s.entry.item)
		returned = true
		return err
	})
	if !returned && s.state.Load() != abandoned {
		w.q.books.panics.Add(1)
	}
	if err != nil && ctx.Err() != nil {
		return withCause(ctx, err)
	}
	return err
}

// observe is deferred, so that it also sees an attempt that ends by Goexit.
func (w *Workers[T]) observe(s *slot[T], start time.Time) {
	if s.state.Load() != abandoned { // the books are closed for that one
		w.q.books.handle.observe(time.Since(start))
	}
}

// settle decides what becomes of the item in hand and puts it there. False means
// that the slot was abandoned: the item is in the stop's hands and counted. An
// entry means that the item could not be parked.
func (w *Workers[T]) settle(s *slot[T], err error) (*entry[T], bool) {
	if s.state.Load() == abandoned { // nobody is to hear of this item again
		return nil, false
	}
	if err == nil {
		return w.finish(s, handled, nil)
	}
	// In place before user code is asked: should that not return, the item is
	// given up.
	s.final = &GiveUpError{Queue: w.q.name, Attempts: s.entry.attempts, Err: err}
	v := w.judge(w.cfg.Retry, s.entry.attempts, err)
	if v == gaveUp {
		w.giveUp(w.cfg.OnGiveUp, s.entry.item, s.final)
	}
	return w.finish(s, v, err)
}

// finish is the part of settle that calls no user code: until here a stop could
// still give up on the slot, from the compare-and-swap on the item is the
// worker's to put away, which takes no time.
func (w *Workers[T]) finish(s *slot[T], v verdict, err error) (*entry[T], bool) {
	if !s.state.CompareAndSwap(running, free) {
		return nil, false
	}
	e, final := s.entry, s.final
	s.entry, s.final = entry[T]{}, nil // so that the item can be collected
	switch v {
	case handled:
		w.q.books.handled.add(s.index, 1)
	case gaveUp:
		w.failed.add(e.item, final)
		w.q.books.gaveUp.Add(1)
	case again:
		return w.park(e, err), true
	case cut:
		w.giveBack(e)
		return nil, true
	}
	if w.cfg.Key != nil && e.refused == nil {
		w.leaveKey(e.key)
	}
	return nil, true
}

// park puts a failed item away until its next attempt. An entry means that there
// is no room: as many as the queue holds are parked already.
func (w *Workers[T]) park(e entry[T], err error) *entry[T] {
	e.due, e.err = time.Now().Add(w.delay(w.backoff, e.attempts, err)), err
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parked.size() >= w.q.Cap() {
		return &e
	}
	w.parkLocked(e)
	return nil
}

func (w *Workers[T]) leaveKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked.leave(key) // the worker finds it itself, it looks for due items next
	w.refreshLocked()
}

// resume settles what was in the hands of a worker whose goroutine was ended by
// a runtime.Goexit in user code, which is not asked a second time. False means
// that the slot was abandoned.
func (w *Workers[T]) resume(s *slot[T], err error) bool {
	s.take.Store(away)
	if s.keying {
		w.mu.Lock()
		mine := w.backLocked(s)
		w.leading = false
		w.mu.Unlock()
		if mine {
			s.keying = false
			s.entry.refused = err
			w.giveBack(s.entry)
		}
		return mine
	}
	if s.state.Load() == running {
		w.q.books.panics.Add(1)
	}
	switch {
	case s.state.Load() != running:
		return s.state.Load() != abandoned
	case s.final != nil:
		_, mine := w.finish(s, gaveUp, err)
		return mine
	}
	wait, mine := w.settle(s, err)
	if wait != nil {
		return w.keep(s, *wait)
	}
	return mine
}
