package channelq

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// manage is the goroutine that makes the workers, makes parked items due and
// carries out the stop. It handles no item itself.
func (w *Workers[T]) manage() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	hurried := false
	for {
		now := time.Now()
		next, over := w.step(now)
		if over {
			break
		}
		var alarm <-chan time.Time // nil, not a distant time: see testing/synctest
		if !next.IsZero() {
			timer.Reset(next.Sub(now))
			alarm = timer.C
		}
		var cut <-chan struct{}
		if ctx := w.stopContext(); ctx != nil && !hurried {
			cut = ctx.Done()
		}
		select {
		case <-w.poke:
		case <-alarm:
		case <-cut:
			hurried = true
			w.hurry()
		}
	}
	w.conclude()
}

// step does what is to be done now, and returns when to look again at the
// latest. It is over when no worker is left.
func (w *Workers[T]) step(now time.Time) (next time.Time, over bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spawnLocked()
	if n := w.parked.release(now); n > 0 {
		w.refreshLocked()
		for range n {
			w.callOneLocked()
		}
	}
	if !w.ending && (w.quietLocked() || w.stopping && reached(w.plan.cancel, now)) {
		w.endLocked()
	}
	if !w.ending {
		if w.stopping {
			next = w.plan.cancel
		}
		if later := w.parked.later; len(later) > 0 && (next.IsZero() || later[0].due.Before(next)) {
			next = later[0].due
		}
		return next, false
	}
	if reached(w.plan.abandon, now) {
		w.abandonLocked()
		// What is left now is in no handler, so that it goes by itself, unless
		// Key blocks: not even that may hold up the stop.
		return w.plan.end, len(w.slots) == 0 || reached(w.plan.end, now)
	}
	return w.plan.abandon, len(w.slots) == 0
}

func reached(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// quietLocked reports whether nothing is left to do and nothing more will come:
// every worker rests, nothing is due, and no parked item comes due in time.
func (w *Workers[T]) quietLocked() bool {
	if !w.drained && !(w.stopping && (w.cfg.Detach || w.paused)) {
		return false
	}
	for _, s := range w.slots {
		if !s.resting {
			return false
		}
	}
	switch {
	case w.stopping && w.paused:
		return true
	case len(w.parked.due) > 0:
		return false
	case len(w.parked.later) == 0:
		return true
	}
	return w.stopping && !w.plan.cancel.IsZero() && w.parked.later[0].due.After(w.plan.cancel)
}

// endLocked sends the workers home and cancels the handlers that run.
func (w *Workers[T]) endLocked() {
	w.ending = true
	w.refreshLocked()
	w.holdAllLocked()
	w.cancel(ErrStopping)
}

// abandonLocked gives up on the handlers that still run: their items are left
// over, and their workers, should they ever return, have nothing to say.
func (w *Workers[T]) abandonLocked() {
	for i := len(w.slots) - 1; i >= 0; i-- {
		s := w.slots[i]
		if !s.state.CompareAndSwap(running, abandoned) {
			continue
		}
		w.lost = append(w.lost, s.entry.item)
		w.removeLocked(s)
		w.log.Warn("handler does not return, gave up on it", slog.Int("attempt", s.entry.attempts))
	}
}

func (w *Workers[T]) stopContext() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopCtx
}

// hurry is for a stop whose context ended before its deadline.
func (w *Workers[T]) hurry() plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan = w.plan.cutShort(time.Now())
	return w.plan
}

// conclude counts what is left over, hands it on and says that it is over.
func (w *Workers[T]) conclude() {
	w.mu.Lock()
	ctx, times := w.stopCtx, w.plan
	items := w.lost
	w.parkedByLocked(-w.parked.size())
	items = append(items, w.parked.empty()...)
	w.mu.Unlock()
	w.cancel(ErrStopping) // releases the context
	if ctx != nil && !w.cfg.Detach {
		items = append(items, w.q.takeRest()...)
	}
	w.left = len(items)
	w.q.books.leftOver.Add(uint64(w.left))
	switch {
	case ctx == nil:
		w.err = w.q.Err()
	case w.left > 0:
		w.result = w.handOver(ctx, times, items)
		w.err = w.result
	}
	w.log.Info("workers stopped", slog.Int("left_over", w.left))
	close(w.done)
}

// handOver gives what is left to OnLeftover, in a goroutine so that it cannot
// hold up the stop.
func (w *Workers[T]) handOver(parent context.Context, times plan, items []T) error {
	left := &LeftoverError{Queue: w.q.name, N: len(items)}
	w.log.Warn("items left over", slog.Int("left_over", left.N))
	if w.cfg.OnLeftover == nil {
		return left
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	defer cancel()
	if !times.left.IsZero() {
		var release context.CancelFunc
		ctx, release = context.WithDeadline(ctx, times.left)
		defer release()
	}
	outcome := make(chan error, 1)
	go guard.Run(func() error { return w.cfg.OnLeftover(ctx, items) }, func(err error) { outcome <- err })
	cut := parent.Done()
	if parent.Err() != nil {
		cut = nil
	}
	for {
		select {
		case left.Err = <-outcome:
			var caught *lifecycle.PanicError
			if errors.As(left.Err, &caught) {
				w.q.books.panics.Add(1)
			}
			if left.Err == nil {
				return nil
			}
			return left
		case <-after(times.left):
			cancel()
			times.left = time.Time{}
		case <-after(times.end):
			left.Err = errLeftoverRuns
			return left
		case <-cut:
			cut, times = nil, w.hurry()
		}
	}
}

// after is a channel that gets a value at a time, nil for the zero time.
func after(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// takeRest empties the queue.
func (q *Queue[T]) takeRest() []T {
	var rest []T
	var buf [256]T
	for {
		n, o := q.engine.TryTakeN(buf[:])
		if o != engine.OK {
			return rest
		}
		rest = append(rest, buf[:n]...)
	}
}
