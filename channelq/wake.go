package channelq

import (
	"context"
	"slices"
	"time"
)

// Workers wait in one way, whatever they wait for:
//
//  1. A worker looks for something to do under the mutex of its consumer. If there
//     is nothing, it says where it waits, lets go of the mutex, and waits for a
//     token in its wakeup.
//  2. A call that changes what a worker may be waiting for does so under the mutex and
//     then calls wakeOneLocked or wakeAllLocked.
//  3. The worker looks again. If it was woken and found something else meanwhile,
//     it wakes the next: what it was woken for is still there.
//
// As both sides hold the mutex, no change falls between a look and a wait.

// place is where a worker waits, if it does.
type place uint8

const (
	nowhere place = iota
	atQueue       // in the queue, for an item
	resting       // because there is nothing to take, or it must not
)

// signal ends the wait of one worker. It is the context of the wait in the queue. It
// gets a token where a context would be done, and serves again for the next wait.
type signal chan struct{}

func (b signal) Done() <-chan struct{}           { return b }
func (signal) Deadline() (at time.Time, ok bool) { return at, false }
func (signal) Err() error                        { return nil }
func (signal) Value(any) any                     { return nil }

var _ context.Context = signal(nil)

func (b signal) send() {
	select {
	case b <- struct{}{}:
	default: // a token is there already
	}
}

// waitLocked waits in a place, unless another worker has prefetched items for this
// one: wait blocks until the signal comes, or there is something else. waitLocked reports
// whether the worker was woken.
func (c *consumer) waitLocked(w *worker, at place, wait func()) (woken bool) {
	w.place = at
	c.idle.Add(1)
	if !c.onHold() && c.reclaimAllLocked() {
		w.place = nowhere
		c.idle.Add(-1)
		return false
	}
	c.mu.Unlock()
	wait()
	c.mu.Lock()
	if w.place != nowhere {
		w.place = nowhere
		c.idle.Add(-1)
		return false
	}
	select { // the token was sent before the mutex was free
	case <-w.wakeup: // and came too late to end the wait
	default:
	}
	return true
}

// restLocked waits until the worker is woken.
func (c *consumer) restLocked(w *worker) {
	if c.drained || c.stopping {
		c.pokeManager() // it may have been the last thing manage waited for
	}
	w.woken = c.waitLocked(w, resting, func() { <-w.wakeup })
}

// wakeOneLocked wakes a worker that waits, and reports whether there is one.
func (c *consumer) wakeOneLocked() bool {
	// Without this, thousands of workers that leave would each look at all others.
	return c.idle.Load() > 0 && slices.ContainsFunc(c.workers, (*worker).wakeLocked)
}

func (c *consumer) wakeAllLocked() {
	for _, w := range c.workers {
		w.wakeLocked()
	}
}

func (w *worker) wakeLocked() bool {
	if w.place == nowhere {
		return false
	}
	w.place = nowhere
	w.c.idle.Add(-1)
	w.wakeup.send()
	return true
}

// pokeManager makes manage look again.
func (c *consumer) pokeManager() { c.poke.send() }
