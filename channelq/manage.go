package channelq

import (
	"context"
	"slices"
	"time"
)

// releaseAtOnce is how many retrying items come due in one step of manage at most: the
// next step follows at once, and in between others get the lock, and the stop its
// times.
const releaseAtOnce = 256

// manage is the goroutine that makes the workers, makes parked items due and
// carries out the stop. It handles no item itself.
func (c *consumer) manage() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	shortened := false
	for {
		now := time.Now()
		next, over := c.step(now)
		if over {
			break
		}
		if flush := c.failureLog.flush(now, false); !flush.IsZero() && (next.IsZero() || flush.Before(next)) {
			next = flush
		}
		var due <-chan time.Time // nil, not a distant time: see testing/synctest
		if !next.IsZero() {
			timer.Reset(next.Sub(now))
			due = timer.C
		}
		var canceled <-chan struct{}
		if ctx := c.stopContext(); ctx != nil && !shortened {
			canceled = ctx.Done()
		}
		select {
		case <-c.poke:
		case <-due:
		case <-canceled:
			shortened = true
			c.shortenStop()
		}
	}
	c.finishStop()
}

func (c *consumer) stopContext() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopCtx
}

func reached(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// nextLocked is when the next parked item or the end of the drain is due, zero if
// neither is.
func (c *consumer) nextLocked() (next time.Time) {
	if c.stopping {
		next = c.plan.cancel
	}
	if retrying := c.parked.retrying; len(retrying) > 0 && (next.IsZero() || retrying[0].due.Before(next)) {
		next = retrying[0].due
	}
	return next
}

// nothingDueLocked reports whether no parked item is due or comes due in time.
func (c *consumer) nothingDueLocked() bool {
	switch {
	case c.parked.due.n > 0:
		return false
	case len(c.parked.retrying) == 0:
		return true
	}
	return c.stopping && !c.plan.cancel.IsZero() && c.parked.retrying[0].due.After(c.plan.cancel)
}

// shortenStop is for a stop whose context was done before its deadline.
func (c *consumer) shortenStop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan = c.plan.shorten(time.Now())
}

// step does what is to be done at a time. It returns when to be called again at the
// latest, zero if only a poke can bring something new, and whether no worker is left.
func (c *consumer) step(now time.Time) (next time.Time, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spawnLocked()
	if n := c.parked.release(now, releaseAtOnce); n > 0 {
		c.refreshLocked()
		for range n {
			if !c.wakeOneLocked() {
				break
			}
		}
	}
	if !c.ending && (c.quietLocked() || c.stopping && reached(c.plan.cancel, now)) {
		c.endLocked()
	}
	if !c.ending {
		return c.nextLocked(), false
	}
	if reached(c.plan.abandon, now) {
		c.abandonLocked()
		// What is left now is in nobody's code but ours, and goes by itself.
		return time.Time{}, len(c.workers) == 0
	}
	return c.plan.abandon, len(c.workers) == 0
}

// quietLocked reports whether nothing is left to do and nothing more will come:
// every worker rests, nothing is due, and no parked item comes due in time.
func (c *consumer) quietLocked() bool {
	if cutOff := c.stopping && (c.detach || c.onHold()); !c.drained && !cutOff {
		return false
	}
	holding := c.stopping && c.onHold()
	if !holding && int(c.idle.Load()) < len(c.workers) {
		return false // at once: each of thousands of workers asks when it goes to rest
	}
	for _, w := range c.workers {
		// A worker that Pause keeps from starting may wait for the rate limit, or for
		// a retry that keeps it, and would give its item back only then.
		if w.place != resting && (!holding || w.state.Load() != held) {
			return false
		}
	}
	return holding || c.nothingDueLocked()
}

// endLocked sends the workers home and cancels the handlers that run.
func (c *consumer) endLocked() {
	c.ending = true
	c.holdAllLocked()
	c.cancel(ErrStopping)
}

// holdAllLocked keeps every worker from starting an attempt. A worker that was not
// idle goes past slowPath before it starts the next one.
func (c *consumer) holdAllLocked() {
	c.refreshLocked()
	for _, w := range c.workers {
		w.state.CompareAndSwap(idle, held)
	}
	c.reclaimAllLocked()
	c.wakeAllLocked()
}

// abandonLocked gives up on the workers whose handlers still run. Their items are
// left over. A result that arrives later is ignored.
func (c *consumer) abandonLocked() {
	for _, w := range slices.Clone(c.workers) {
		if w.asking {
			w.state.Store(abandoned)
		} else if !w.state.CompareAndSwap(running, abandoned) {
			continue
		}
		c.stragglers += max(len(w.items), 1)
		for i := range w.items {
			if !w.notifying { // then they are settled
				c.lost = append(c.lost, &parkedItem{
					itemState: itemState{requeued: w.items[i].requeued}, item: w.hands.item(w.n - len(w.items) + i),
				})
			}
		}
		c.notAskingLocked(w)
		c.removeLocked(w)
	}
}
