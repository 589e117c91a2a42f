package channelq

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

const sampleRuns = 64 // one attempt in this many is timed

// run is one attempt from its start until its items are settled. False means that a
// stop has given up on it: nothing in hand is the worker's any more.
func (w *worker) run() bool {
	for {
		if !w.start() {
			w.giveBack()
			return true
		}
		mine, again := w.settle(w.attempt())
		if !again {
			return mine
		}
	}
}

// start begins an attempt, unless a pause or a stop does not allow it.
func (w *worker) start() bool {
	if l := w.c.limiter.Load(); l != nil && l.Wait(w.c.base) != nil {
		return false
	}
	if !w.state.CompareAndSwap(idle, running+uint32(w.rest)*onePrefetched) {
		return false
	}
	w.shareOut()
	for i := range w.items {
		if w.items[i].attempts++; w.items[i].attempts > 1 {
			w.c.q.counters.retried.Add(1)
		}
	}
	return true
}

// attempt calls the handler.
func (w *worker) attempt() error {
	if refused := w.items[0].refused; refused != nil {
		w.c.q.counters.panics.Add(1)
		return Permanent(refused)
	}
	ctx := w.c.base
	if w.c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.c.timeout, ErrTimeout)
		defer cancel()
	}
	if w.runs++; w.runs%sampleRuns == 1 {
		defer w.observe(time.Now())
	}
	returned := false
	err := guard.Call(func() error {
		for {
			returned = false
			err := w.hands.handle(ctx, w.at)
			inspect(err)
			returned = true
			if err != nil || !w.advance() {
				return err
			}
		}
	})
	if !returned && w.state.Load() != abandoned {
		w.c.q.counters.panics.Add(1)
	}
	if err != nil && ctx.Err() != nil {
		return withCause(ctx, err)
	}
	return err
}

// observe is deferred, so that it also sees an attempt that ends by Goexit.
func (w *worker) observe(start time.Time) {
	if w.state.Load() == abandoned { // the counters are final
		return
	}
	took := time.Since(start)
	w.quick = took < quickHandler
	w.c.q.counters.handle.observe(took)
}

// resume settles what was in the hands of a worker whose goroutine was ended by a
// runtime.Goexit in user code, which is not asked a second time. False means that
// the worker was abandoned.
func (w *worker) resume(unwound error) bool {
	w.c.mu.Lock()
	asking, mine := w.asking, !w.gone
	w.asking = false
	if asking && mine {
		w.items[0].refused = unwound
		w.c.keyTurn = false
		w.c.giveBackLocked(w)
	}
	w.c.mu.Unlock()
	if asking || !mine || w.state.Load()&stateMask != running {
		return mine
	}
	w.c.q.counters.panics.Add(1)
	mine, again := w.settle(unwound)
	if again {
		return w.run()
	}
	return mine
}

// settle decides what becomes of the items in hand, which may call user code, and
// puts them there. If user code ends the goroutine, settle goes on in another one
// with the items behind. mine is false if the worker was abandoned: the items are
// in the stop's hands and counted. again means that the only item could not be
// parked, and has waited for its next attempt in hand.
func (w *worker) settle(err error) (mine, again bool) {
	w.reclaimRest()
	if w.state.Load() == abandoned { // nobody is to hear of these items again
		return false, false
	}
	if !w.settling {
		w.settling, w.outcome = true, err
	}
	if w.outcome != nil {
		w.decideAll()
	}
	// Until here a stop could still give up on the worker. From here on the items
	// are the worker's to put away, which takes no time.
	if !w.state.CompareAndSwap(running, idle) {
		return false, false
	}
	failed := w.results
	w.settling, w.outcome, w.results = false, nil, w.results[:0]
	if len(failed) == 0 {
		w.c.q.counters.handled.add(w.index, uint64(len(w.items)))
		w.releaseKey()
		w.empty()
		return true, false
	}
	defer clear(failed)
	if failed[0].decision == retry && !w.c.batches {
		return true, !w.retryLater(failed[0])
	}
	w.putAway(failed)
	return true, false
}

// decideAll fills results.
func (w *worker) decideAll() {
	var partial *BatchError
	isPartial := w.c.batches && errors.As(w.outcome, &partial) && partial.fits(len(w.items))
	for i := len(w.results); i < len(w.items); i++ {
		err := w.outcome
		if isPartial {
			err = partial.Failed[i]
		}
		w.results = append(w.results, result{decision: handled, err: err})
		if err != nil {
			w.fail(i, &w.results[i])
		}
	}
	w.logBatch()
}

// fail decides what becomes of item i. If user code does not return, the item is
// given up.
func (w *worker) fail(i int, r *result) {
	c, attempts := w.c, w.items[i].attempts
	r.decision = gaveUp
	r.decision = c.decide(attempts, r.err)
	switch r.decision {
	case retry:
		r.delay = retryDelay(c.backoff, attempts, r.err)
		if len(w.items) == 1 {
			c.logFailure(retry, 1, r.err, slog.Int("attempt", attempts), slog.Duration("delay", r.delay))
		}
	case gaveUp:
		args := []any{slog.Int("attempt", attempts)}
		if r.id = c.failed.nextID(); r.id > 0 {
			args = append(args, slog.Int64("id", r.id))
		}
		if len(w.items) == 1 {
			c.logFailure(gaveUp, 1, r.err, args...)
		}
		if c.onGiveUp {
			failed := &GiveUpError{Queue: c.q.name, ID: r.id, Attempts: attempts, Err: r.err}
			c.callback("give-up callback panicked", func() { c.items.giveUp(c.base, w.hands.item(w.at+i), failed) })
		}
	default:
	}
}

// logBatch writes one line for all items of a batch that are retried, and one for
// those that are given up.
func (w *worker) logBatch() {
	if len(w.items) == 1 {
		return
	}
	for _, d := range []decision{retry, gaveUp} {
		n, first := 0, 0
		for i, r := range w.results {
			if r.decision == d {
				if n++; n == 1 {
					first = i
				}
			}
		}
		if n > 0 {
			w.c.logFailure(d, n, w.results[first].err, slog.Int("attempt", w.items[first].attempts))
		}
	}
}

// retryLater parks the only item until its next attempt. False means that as many
// items as the queue holds are parked already: the item stays in hand, and its time
// has come.
func (w *worker) retryLater(r result) (parked bool) {
	c := w.c
	w.items[0].due, w.items[0].err = time.Now().Add(r.delay), r.err
	c.mu.Lock()
	if parked = c.parked.size() < c.q.Cap(); parked {
		c.parkLocked(w.putDown())
	} else if c.paused || c.ending {
		w.state.CompareAndSwap(idle, held)
	}
	c.mu.Unlock()
	if parked {
		return true
	}
	timer := time.NewTimer(r.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.base.Done(): // run gives the item back, since the worker is held
	}
	return false
}

// putAway puts every item where it belongs by its result.
func (w *worker) putAway(results []result) {
	c, now := w.c, time.Now()
	var parked []*parkedItem
	for i, r := range results {
		switch state := w.items[i]; r.decision {
		case handled:
			c.q.counters.handled.add(w.index, 1)
		case gaveUp:
			c.failed.add(Failure{ID: r.id, Item: w.hands.item(w.at + i), Err: r.err, Attempts: state.attempts, At: now})
			c.q.counters.gaveUp.Add(1)
		case retry, interrupted:
			state.due, state.err = now.Add(r.delay), r.err
			parked = append(parked, &parkedItem{itemState: state, item: w.hands.item(w.at + i)})
			continue
		}
		w.releaseKey()
	}
	w.empty()
	for len(parked) > 0 {
		n := min(len(parked), releaseAtOnce)
		c.mu.Lock()
		c.parkLocked(parked[:n])
		c.mu.Unlock()
		parked = parked[n:]
	}
}

// parkLocked parks items until they come due.
func (c *consumer) parkLocked(items []*parkedItem) {
	for _, p := range items {
		if c.parked.retryLater(p) {
			c.pokeManager()
		}
	}
	c.parkedLocked(len(items))
}

// releaseKey lets the next item of the key in hand go.
func (w *worker) releaseKey() {
	if c := w.c; c.keyed && w.items[0].refused == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.parked.releaseKey(w.items[0].key) // the worker finds it itself: it looks for due items next
		c.refreshLocked()
	}
}
