package channelq

import (
	"errors"
	"log/slog"
	"time"
)

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
		if err != nil {
			w.ended = time.Now()
		}
	}
	if w.outcome != nil {
		w.decideAll()
	}
	// Until here a stop could still give up on the worker. From here on the items
	// are the worker's to settle, which takes no time.
	if !w.state.CompareAndSwap(running, idle) {
		return false, false
	}
	w.settling, w.outcome = false, nil
	switch {
	case len(w.results) == 0:
		w.c.q.counters.handled.add(w.index, uint64(len(w.items)))
		w.releaseKey()
	case w.results[0].decision == retry && !w.c.batches:
		return w.retryLater()
	default:
		w.putAway()
	}
	return w.notify(), false
}

// settleSkipped settles an item that is not to be handled.
func (w *worker) settleSkipped() (mine bool) {
	w.results = append(w.results, result{decision: skipped})
	w.putAway()
	return w.notify()
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
	if len(w.items) > 1 {
		w.logBatch(retry)
		w.logBatch(gaveUp)
	}
}

// fail decides what becomes of item i. If user code does not return, the item is
// given up.
func (w *worker) fail(i int, r *result) {
	c, attempts := w.c, w.items[i].attempts
	r.decision = gaveUp
	d := c.decide(attempts, r.err)
	if d != retry && d != gaveUp {
		r.decision = d
		return
	}
	args := append(w.describe(i), slog.Int("attempt", attempts))
	r.decision = d
	if r.decision == retry {
		r.delay = retryDelay(c.backoff, attempts, r.err)
		args = append(args, slog.Duration("delay", r.delay))
	} else if r.id = c.failed.nextID(); r.id > 0 {
		args = append(args, slog.Int64("id", r.id))
	}
	if len(w.items) == 1 {
		c.logFailure(r.decision, 1, r.err, args...)
	}
	if r.decision == gaveUp && c.onGiveUp {
		failed := w.giveUpError(i)
		c.callback("give-up callback panicked", func() { c.items.giveUp(w.ctx, w.hands.item(w.at+i), failed) })
	}
}

func (w *worker) giveUpError(i int) *GiveUpError {
	r := w.results[i]
	return &GiveUpError{Queue: w.c.q.name, ID: r.id, Attempts: w.items[i].attempts, Err: r.err}
}

// describe asks Describe about item i, and returns what the log says.
func (w *worker) describe(i int) []any {
	if !w.c.describes {
		return nil
	}
	w.c.callback("describe callback panicked", func() {
		w.items[i].description = w.c.items.describe(w.hands.item(w.at + i))
	})
	return []any{slog.String("item", w.items[i].description)}
}

// logBatch writes one line for all items of a batch with this decision.
func (w *worker) logBatch(d decision) {
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

// retryLater parks the only item until its next attempt. If as many items as the queue
// holds are parked already, the item stays in hand until its time has come. Its attempt
// then follows at once, unless it needs the Limit: that is for the ones that run.
func (w *worker) retryLater() (mine, again bool) {
	c, r := w.c, w.results[0]
	w.forgetResults()
	w.note(0, r)
	w.items[0].failed(r, time.Now())
	c.mu.Lock()
	parked := c.parked.size() < c.q.Cap()
	if parked {
		c.parkLocked(w.unload())
	} else if c.onHold() || c.ending {
		w.state.CompareAndSwap(idle, held)
	}
	c.mu.Unlock()
	if parked {
		return true, false
	}
	if !w.releaseLimit() {
		return false, false
	}
	timer := time.NewTimer(r.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.base.Done(): // run gives the item back
	}
	if c.limit != nil {
		w.giveBack()
		return true, false
	}
	return true, true
}

// failed notes the result of an attempt that another one follows.
func (s *itemState) failed(r result, now time.Time) {
	s.due, s.err, s.refused = now.Add(r.delay), r.err, nil
}

// putAway puts every item in hand where it belongs by its result.
func (w *worker) putAway() {
	c, now := w.c, time.Now()
	var parked []*parkedItem
	for i, r := range w.results {
		if r.err != nil {
			w.note(i, r)
		}
		switch state := w.items[i]; r.decision {
		case handled:
			c.q.counters.handled.add(w.index, 1)
		case skipped:
			c.q.counters.skipped.Add(1)
		case gaveUp:
			if r.id == 0 { // the goroutine ended before it got one
				r.id = c.failed.nextID()
				w.results[i].id = r.id
			}
			c.failed.add(Failure{
				ID: r.id, Item: w.hands.item(w.at + i), Description: state.description,
				Err: r.err, Attempts: state.attempts, At: now, EnqueuedAt: state.enqueuedAt, Failed: state.failedAttempts(),
				key: state.key, claimed: state.claimed,
			})
			c.q.counters.gaveUp.Add(1)
		case retry, interrupted:
			state.failed(r, now)
			parked = append(parked, &parkedItem{itemState: state, item: w.hands.item(w.at + i)})
			continue
		}
		w.releaseKey()
	}
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
	if c := w.c; w.items[0].claimed {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.releaseKeyLocked(w.items[0].key) // the worker finds it itself: it looks for due items next
	}
}

// releaseKeyLocked makes the next item of a key due.
func (c *consumer) releaseKeyLocked(key string) {
	c.parked.releaseKey(key)
	c.q.setHeld(c.parked.nWaiting)
	c.refreshLocked()
}

// notify calls OnSettled for the items in hand that are settled, and empties the hands.
// mine is false if a stop has given up on that.
func (w *worker) notify() (mine bool) {
	mine = true
	if w.c.q.settles.Load() {
		w.notifying = true
		mine = w.ask(func() {
			for w.notified < len(w.items) {
				w.notified++ // before the call: one that ends the goroutine is not repeated
				if o, err := w.outcomeOf(w.notified - 1); o != 0 {
					w.hands.settled(w.at+w.notified-1, o, err)
				}
			}
		})
	}
	if mine {
		w.notifying, w.notified = false, 0
		w.forgetResults()
		w.empty()
	}
	return mine
}

func (w *worker) forgetResults() {
	clear(w.results)
	w.results = w.results[:0]
}

// outcomeOf returns what OnSettled is told of item i. 0 means nothing.
func (w *worker) outcomeOf(i int) (o Outcome, err error) {
	d := handled
	if len(w.results) > 0 {
		d = w.results[i].decision
	}
	switch d {
	case handled:
		o = Handled
	case skipped:
		o = Skipped
	case gaveUp:
		o, err = GaveUp, w.giveUpError(i)
	default:
		return 0, nil
	}
	if id := w.items[i].requeued; id > 0 {
		err = &RequeuedError{ID: id, Err: err}
	}
	return o, err
}
