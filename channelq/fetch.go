package channelq

import (
	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
)

// next gets the items of the next attempt. False means that the worker is not
// needed any more.
func (w *worker) next() bool {
	return w.takeQuick() || w.c.fetch(w)
}

// took notes that n items came from the queue.
func (w *worker) took(n int) {
	w.n += n
	for range n {
		w.items = append(w.items, itemState{})
		if w.c.q.stamped {
			w.items[len(w.items)-1].enqueuedAt = w.hands.enqueued(len(w.items) - 1)
		}
	}
}

// fetchOne is next for Workers, when there is nothing in the queue or something
// else to think of.
func (c *consumer) fetchOne(w *worker) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.ending || len(c.workers) > c.target || w.removed:
			c.removeLocked(w)
			return false
		case c.onHold():
			c.restLocked(w)
			continue
		}
		w.state.CompareAndSwap(held, idle)
		w.others = len(c.workers)
		c.probeLocked()
		if c.keyed || c.limit != nil {
			if !c.fetchDueLocked(w) {
				continue
			}
		} else if !c.loadDueLocked(w) {
			if !c.mayTakeLocked() {
				c.restLocked(w)
				continue
			}
			if !c.takeOneLocked(w, true) {
				continue
			}
		}
		if w.woken && c.parked.due.n > 0 {
			c.wakeOneLocked() // it was for that
		}
		w.woken = false
		return true
	}
}

// loadDueLocked gives the worker an item that is due, and wakes another worker if
// there is more to do.
func (c *consumer) loadDueLocked(w *worker) bool {
	p := c.parked.due.pop()
	if p == nil {
		return false
	}
	w.hands.load(p.item)
	w.items = append(w.items, p.itemState)
	w.n++
	c.parkedLocked(-1)
	// With keys there may also be room again for items that have to wait.
	if c.parked.due.n > 0 || c.keyed && c.mayTakeLocked() {
		c.wakeOneLocked()
	}
	return true
}

// mayTakeLocked: with keys, only one worker at a time may be between the queue
// and the lines of the keys, or two items of one key could change places there,
// and only while there is room for an item that has to wait.
func (c *consumer) mayTakeLocked() bool {
	if c.drained || c.stopping && c.detach {
		return false
	}
	if !c.keyed {
		return true
	}
	return !c.keyTurn && (c.q.gated() || c.parked.size() < max(c.q.Cap(), 1))
}

// takeOneLocked takes one item from the queue, and waits for it if it may. False means
// that the worker has to look again.
func (c *consumer) takeOneLocked(w *worker, wait bool) bool {
	c.keyTurn, w.inTurn = c.keyed, c.keyed
	ok := c.receiveLocked(w, 1, wait) == engine.OK && (!c.keyed || c.findKeyLocked(w))
	if w.inTurn {
		c.notAskingLocked(w)
		c.wakeOneLocked() // to be the next at the queue
	}
	return ok
}

// notAskingLocked gives up what a worker had while it asked.
func (c *consumer) notAskingLocked(w *worker) {
	if w.inTurn {
		c.keyTurn, w.inTurn = false, false
	}
	if w.acquiring {
		c.acquiring--
		w.acquiring = false
	}
}

// receiveLocked takes items from the queue. If it may, it waits for the first, until
// the worker is woken.
func (c *consumer) receiveLocked(w *worker, most int, wait bool) engine.Outcome {
	n, o := w.hands.takeNow(most)
	if o == engine.Empty && wait {
		w.woken = c.waitLocked(w, atQueue, func() { n, o = w.hands.take(w.wakeup, most) })
	}
	return c.receivedLocked(w, n, o)
}

func (c *consumer) receivedLocked(w *worker, n int, o engine.Outcome) engine.Outcome {
	w.took(n)
	if o == engine.Closed && !c.drained {
		c.drained = true
		c.refreshLocked()
		c.pokeManager()
	}
	return o
}

// findKeyLocked asks for the key of the item in hand and claims it. False means
// that the item has to wait for its key, or that a stop has given up on the question.
func (c *consumer) findKeyLocked(w *worker) bool {
	item := &w.items[0]
	w.askLocked(func() {
		if err := guard.Call(func() error { item.key = w.hands.key(); return nil }); err != nil {
			item.refused = Permanent(c.countPanic(err))
		}
	})
	if w.removed || item.refused != nil {
		return !w.removed
	}
	if item.claimed = c.parked.claimKey(item.key, c.keyLimit); item.claimed {
		return true
	}
	for _, p := range w.unload() {
		c.parked.waitForKey(p)
	}
	c.q.setHeld(c.parked.nWaiting)
	c.parkedLocked(1)
	return false
}
