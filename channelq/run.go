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
	s.run[0], s.past = e.item, e.past // before the step: afterwards a stop may read it
	s.past.attempts++
	s.own = started(1)
	if !s.grip.CompareAndSwap(free, s.own) {
		clear(s.run)
		w.giveBack(e)
		return true
	}
	return w.settled(s, w.attempt(s))
}

// settled settles the item in hand. If it can neither be parked, it stays there.
func (w *Workers[T]) settled(s *slot[T], err error) bool {
	wait, mine := w.settle(s, err)
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
	w.parked.dueFirst(e)
	w.parkedByLocked(1)
	w.refreshLocked()
}

// attempt calls the handler.
func (w *Workers[T]) attempt(s *slot[T]) error {
	if s.past.refused != nil {
		w.q.books.panics.Add(1)
		return Permanent(s.past.refused)
	}
	if s.past.attempts > 1 {
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
		err := w.handle(ctx, s.run[0])
		inspect(err)
		returned = true
		return err
	})
	return w.outcome(ctx, s, err, returned)
}

// outcome is the error of an attempt, with why its context ended if that was it.
func (w *Workers[T]) outcome(ctx context.Context, s *slot[T], err error, returned bool) error {
	if !returned && s.grip.Load() != abandoned {
		w.q.books.panics.Add(1)
	}
	if err != nil && ctx.Err() != nil {
		return withCause(ctx, err)
	}
	return err
}

// settle decides what becomes of the item in hand and puts it there. False means
// that the slot was abandoned: the item is in the stop's hands and counted. An
// entry means that the item could not be parked.
func (w *Workers[T]) settle(s *slot[T], err error) (*entry[T], bool) {
	if s.grip.Load() == abandoned { // nobody is to hear of this item again
		return nil, false
	}
	if err == nil {
		return w.finish(s, handled, nil)
	}
	// In place before user code is asked: should that not return, the item is
	// given up.
	s.final = &GiveUpError{Queue: w.q.name, Attempts: s.past.attempts, Err: err}
	v := w.judge(w.cfg.Retry, s.past.attempts, err)
	switch v {
	case gaveUp:
		w.giveUp(w.cfg.OnGiveUp, s.run[next(s.own)-1], s.final)
	case again:
		s.delay = w.delay(w.backoff, s.past.attempts, err)
	default:
	}
	return w.finish(s, v, err)
}

// finish is the part of settle that calls no user code: until here a stop could
// still give up on the slot, from the compare-and-swap on the item is the
// worker's to put away, which takes no time.
func (w *Workers[T]) finish(s *slot[T], v verdict, err error) (*entry[T], bool) {
	if !s.grip.CompareAndSwap(alone(s.own), free) {
		return nil, false
	}
	e, final := s.putDown()
	switch v {
	case handled:
		w.q.books.handled.add(s.index, 1)
	case gaveUp:
		w.failed.add(e.item, final)
		w.q.books.gaveUp.Add(1)
	case again:
		return w.park(s, e, err), true
	case cut:
		w.giveBack(e)
		return nil, true
	}
	if w.cfg.Key != nil && e.refused == nil {
		w.leaveKey(e.key)
	}
	return nil, true
}

// putDown empties the worker's hands, so that the item can be collected.
func (s *slot[T]) putDown() (entry[T], *GiveUpError) {
	item := &s.run[next(s.own)-1]
	e, final := entry[T]{item: *item, past: s.past}, s.final
	var zero T
	*item, s.past, s.final = zero, past{}, nil
	return e, final
}

// park puts a failed item away until its next attempt. An entry means that there
// is no room: as many as the queue holds are parked already.
func (w *Workers[T]) park(s *slot[T], e entry[T], err error) *entry[T] {
	e.due, e.err = time.Now().Add(s.delay), err
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parked.size() >= w.q.Cap() {
		if w.paused || w.ending {
			s.grip.CompareAndSwap(free, held)
		}
		return &e
	}
	w.parkLocked(e)
	return nil
}
