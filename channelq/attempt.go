package channelq

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

const sampleRuns = 64 // one attempt in this many is timed

// run is one attempt from its start until its items are settled. False means that a
// stop has given up on it: nothing in hand is the worker's any more.
func (w *worker) run() bool {
	for {
		skip, mine := w.askFirst()
		switch {
		case !mine:
			return false
		case skip:
			return w.settleSkipped()
		case !w.start():
			w.giveBack()
			return true
		}
		mine, again := w.settle(w.attempt())
		if !again {
			return mine
		}
	}
}

// askFirst asks Skip, waits for the rate, and asks Skip again, as that may have taken
// its time. mine is false if a stop has given up on the worker meanwhile.
func (w *worker) askFirst() (skip, mine bool) {
	c := w.c
	if c.skips {
		if skip, mine = w.askSkip(); skip || !mine {
			return skip, mine
		}
	}
	limiter := c.rateLimiter()
	if limiter == nil || w.items[0].refused != nil {
		return false, true
	}
	mine = w.ask(func() {
		err := guard.Call(func() error { return limiter.Wait(c.base) })
		if err != nil && c.base.Err() == nil {
			w.items[0].refused = c.countPanic(err)
		}
	})
	if mine && c.skips {
		return w.askSkip()
	}
	return false, mine
}

// rateLimiter returns what an attempt waits for, or nil.
func (c *consumer) rateLimiter() interface{ Wait(context.Context) error } {
	if c.ownLimiter != nil {
		return c.ownLimiter
	}
	if l := c.limiter.Load(); l != nil {
		return l
	}
	return nil
}

// askSkip asks Skip. An item that may have been merged since is claimed and asked about
// again: nothing is coalesced with one that was skipped.
func (w *worker) askSkip() (skip, mine bool) {
	ask := func() {
		skip = false
		w.c.callback("skip callback panicked", func() { skip = w.hands.skip() })
	}
	mine = w.ask(ask)
	if mine && skip && w.c.q.stamped {
		w.hands.claim()
		mine = w.ask(ask)
	}
	return skip, mine
}

// start begins an attempt, unless a pause or a stop does not allow it.
func (w *worker) start() bool {
	if w.c.q.stamped {
		w.hands.claim() // before the step: afterwards a stop may read it
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
	if n := int32(min(w.items[0].attempts, math.MaxInt32)); w.attemptNo.Load() != n {
		w.attemptNo.Store(n)
	}
	if w.c.q.stamped {
		at := w.items[0].enqueuedAt
		w.enqueuedAt.Store(&at)
	}
	return true
}

// attempt calls the handler.
func (w *worker) attempt() error {
	w.began = time.Time{}
	if refused := w.items[0].refused; refused != nil {
		return refused
	}
	ctx := w.ctx
	if w.c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.c.timeout, ErrTimeout)
		defer cancel()
	}
	if w.runs++; w.runs%sampleRuns == 1 {
		w.began = time.Now()
		defer w.observe(w.began)
	} else if !w.quick || w.items[0].attempts > 1 {
		w.began = time.Now() // costs nothing to speak of there
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

// inspect asks err everything that is asked later, while a panic in err still
// counts as a panic of the handler. What err answers is then known to end.
func inspect(err error) {
	if err == nil {
		return
	}
	guard.Inspect(err)
	_ = IsPermanent(err)
	_, _ = RetryDelay(err)
	var partial *BatchError
	_ = errors.As(err, &partial)
	_ = errors.Is(err, ErrStopping) || errors.Is(err, ErrTimeout)
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

// ask calls user code that is not the handler. False means that a stop has given up
// on it, as on a handler.
func (w *worker) ask(call func()) (mine bool) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.askLocked(call)
	return !w.removed
}

// askLocked is ask without the mutex, which the caller holds before and after. If a
// stop has given up on call, the worker is gone.
func (w *worker) askLocked(call func()) {
	w.asking = true
	if w.c.ending {
		w.c.pokeManager() // which may have given up on the others already
	}
	w.c.mu.Unlock()
	returned := false
	defer func() {
		w.c.mu.Lock()
		w.asking = !returned // call has ended the goroutine: see resume
	}()
	call()
	returned = true
}

// resume goes on after a runtime.Goexit in user code, which is not called a second
// time for the same item. False means that the worker was abandoned.
func (w *worker) resume(unwound error) bool {
	c := w.c
	c.mu.Lock()
	asking, mine, wanted := w.asking, !w.removed, w.acquiring
	w.asking = false
	c.notAskingLocked(w)
	if asking && mine && wanted {
		c.loadDueLocked(w) // what it acquired the limit for
	}
	if asking && mine && !w.notifying && len(w.items) > 0 {
		w.items[0].refused = Permanent(unwound)
		c.giveBackLocked(w)
	}
	c.mu.Unlock()
	defer w.releaseLimit()
	switch {
	case !mine && w.notifying: // the items were settled before the stop gave up
		return w.notify()
	case !mine:
		return false
	}
	c.q.counters.panics.Add(1)
	switch {
	case w.notifying:
		return w.notify()
	case asking || w.state.Load()&stateMask != running:
		return true
	}
	mine, again := w.settle(unwound)
	if again {
		return w.run()
	}
	return mine
}
