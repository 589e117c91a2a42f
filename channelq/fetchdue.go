package channelq

import "github.com/steadgo/stead/internal/guard"

// fetchDueLocked gives the worker its next item if there is a Key or a Limit. What is
// taken from the queue then becomes due first, or waits for its key, and the worker
// takes what is due. False means that the worker has to look again.
func (c *consumer) fetchDueLocked(w *worker) bool {
	free := c.parked.due.n - c.acquiring // for this worker
	if mayTake := c.mayTakeLocked(); free <= 0 && !mayTake {
		c.restLocked(w)
		return false
	} else if mayTake && (free <= 0 || c.keyed && c.parked.due.n < c.q.Cap()) {
		// With keys everything that is there, before what is due is started: a key
		// with many items due must not keep others in the queue. But no more than the
		// queue holds: producers may add items as quickly as they are taken.
		before := c.parked.nWaiting
		took := c.takeOneLocked(w, free <= 0)
		if took && free <= 0 && c.limit == nil && c.q.Len() == 0 {
			return true // nothing else to take turns with
		}
		if took {
			for _, p := range w.unload() {
				c.parked.due.pushBack(p)
			}
			c.parkedLocked(1)
		}
		if took || free <= 0 || c.parked.nWaiting > before {
			return false
		}
	}
	if c.limit != nil && (c.parked.due.first == nil || c.parked.due.first.refused == nil) {
		return c.acquireLocked(w)
	}
	return c.loadDueLocked(w)
}

// acquireLocked acquires the Limit for an item that is due, and takes the oldest.
func (c *consumer) acquireLocked(w *worker) bool {
	c.acquiring++
	w.acquiring = true
	var err error
	w.askLocked(func() {
		if err = guard.Call(func() error { return c.limit.Acquire(c.base, 1) }); err == nil {
			w.limited = true
		}
	})
	c.notAskingLocked(w)
	canceled := c.base.Err() != nil
	if !w.removed && !c.onHold() && !c.ending && len(c.workers) <= c.target && (err == nil || !canceled) && c.loadDueLocked(w) {
		if err != nil {
			w.items[0].refused = c.countPanic(err)
		}
		return true
	}
	if w.limited && !w.removed {
		w.limited = false
		w.askLocked(w.callRelease)
	}
	return false
}

// releaseLimit releases what the worker acquired for its last attempt. False means
// that a stop has given up on that.
func (w *worker) releaseLimit() (mine bool) {
	if !w.limited {
		return true
	}
	w.limited = false
	return w.ask(w.callRelease)
}

func (w *worker) callRelease() {
	w.c.callback("limit cannot be released", func() { w.c.limit.Release(1) })
}
