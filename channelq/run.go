package channelq

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// verdict is what becomes of an item after an attempt.
type verdict uint8

const (
	handled verdict = iota
	again           // another attempt, later
	gaveUp
	cut // the attempt failed while a stop was cancelling handlers: left over
)

const sampleRuns = 64 // one attempt in this many is timed

// run is one item's time in a worker's hands. False means that a stop has given
// up on the handler: nothing here is the worker's any more.
func (w *Workers[T]) run(s *slot[T], e entry[T]) bool {
	for {
		if l := w.limiter.Load(); l != nil && l.Wait(w.base) != nil {
			w.giveBack(e)
			return true
		}
		s.entry = e
		if !s.state.CompareAndSwap(free, running) {
			w.giveBack(e)
			return true
		}
		err := w.attempt(s)
		wait, mine := w.settle(s, err)
		if !mine || wait == nil {
			return mine
		}
		// No room to park it: it keeps the worker.
		e = *wait
		timer := time.NewTimer(time.Until(e.due))
		select {
		case <-timer.C:
		case <-w.base.Done(): // giveBack follows, since the slot is held
			timer.Stop()
		}
	}
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
	s.entry.attempts++
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
	v := w.judge(s, err)
	if v == gaveUp {
		w.giveUp(s, err)
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

func (w *Workers[T]) judge(s *slot[T], err error) verdict {
	if err == nil {
		return handled
	}
	var permanent permanentError
	switch {
	case errors.As(err, &permanent):
		return gaveUp
	case w.base.Err() != nil:
		return cut
	case s.entry.attempts >= w.cfg.Retry.Attempts, w.cfg.Retry.If != nil && !w.worthIt(s, err):
		return gaveUp
	}
	return again
}

// worthIt asks Retry.If; one that panics is no reason to go on.
func (w *Workers[T]) worthIt(s *slot[T], err error) (worth bool) {
	s.filtering = true
	defer func() { s.filtering = false }()
	caught := guard.Call(func() error { worth = w.cfg.Retry.If(err); return nil })
	if caught != nil {
		w.q.books.panics.Add(1)
		w.log.Error("retry filter panicked", slog.Any("error", caught))
	}
	return worth
}

// giveUp tells who wants to know that an item failed for good.
func (w *Workers[T]) giveUp(s *slot[T], err error) {
	s.final = &GiveUpError{Queue: w.q.name, Attempts: s.entry.attempts, Err: err}
	w.log.Error("item given up", slog.Int("attempt", s.entry.attempts), slog.Any("error", err))
	if w.cfg.OnGiveUp == nil {
		return
	}
	caught := guard.Call(func() error { w.cfg.OnGiveUp(w.base, s.entry.item, s.final); return nil })
	if caught != nil {
		w.q.books.panics.Add(1)
		w.log.Error("give-up callback panicked", slog.Any("error", caught))
	}
}

// park puts a failed item away until its next attempt. An entry means that there
// is no room: as many as the queue holds are parked already.
func (w *Workers[T]) park(e entry[T], err error) *entry[T] {
	delay := w.backoff.Delay(e.attempts)
	var asked retryAfterError
	if errors.As(err, &asked) {
		delay = asked.after
	}
	w.log.Warn("attempt failed, will retry", slog.Int("attempt", e.attempts),
		slog.Duration("duration", delay), slog.Any("error", err))
	e.due = time.Now().Add(delay)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parked.size() >= w.q.Cap() {
		return &e
	}
	w.parkLocked(e)
	return nil
}

func (w *Workers[T]) parkLocked(e entry[T]) {
	if w.parked.parkUntil(e) {
		w.pokeManager()
	}
	w.parkedByLocked(1)
}

func (w *Workers[T]) leaveKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked.leave(key) // the worker finds it itself, it looks for due items next
	w.refreshLocked()
}

// unwound settles what was in the hands of a worker whose goroutine ends by a
// runtime.Goexit in user code.
func (w *Workers[T]) unwound(s *slot[T], err error) {
	s.take.Store(away)
	switch {
	case s.keying:
		s.entry.refused = err
		w.giveBack(s.entry)
		w.mu.Lock()
		w.leading = false
		w.mu.Unlock()
		return
	case s.state.Load() != running:
		return
	}
	w.q.books.panics.Add(1)
	var wait *entry[T]
	switch {
	case s.filtering: // nothing is asked twice
		s.filtering = false
		w.giveUp(s, err)
		fallthrough
	case s.final != nil:
		w.finish(s, gaveUp, err)
	default:
		wait, _ = w.settle(s, err)
	}
	if wait != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.parkLocked(*wait) // beyond the limit: this worker cannot keep it
	}
}
