package channelq

import (
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// A worker whose handlers take microseconds takes up to maxPrefetch items at a time
// while there is a backlog, since taking an item costs more than such a handler.
// The prefetched items that are not started are counted in the worker's state, above
// the state proper. Nothing waits behind a stuck handler, as others reclaim them:
//
//   - A worker that is about to wait says so (idle), and then reclaims what others
//     have prefetched. A worker that begins with prefetched items looks at idle once
//     they can be seen, and wakes a worker that waits. One of the two sees the other.
//   - A worker that need not wait looks at another worker now and then, always if its
//     own handlers are slow, and reclaims if that is still at the same item.
//   - Pause, Stop, Resize and RateLimit set slowPath and then reclaim everything. A
//     worker that begins looks at slowPath once its items can be seen.
const (
	maxPrefetch    = 16
	minPrefetch    = 4                     // less is not worth a look at the length of the queue
	maxPrefetchers = 64                    // workers that look at each other
	quickHandler   = 10 * time.Microsecond // beyond, taking an item costs nothing to speak of
	maxPrefetched  = 128                   // bytes of an item: copying larger ones costs more than is saved
)

const (
	stateMask     = 3
	onePrefetched = stateMask + 1
)

// prefetched returns how many items a state says are prefetched and not started.
func prefetched(state uint32) int { return int(state / onePrefetched) }

// mayPrefetch: with a key, a timeout or anything else that is asked for each item, that
// costs more than to take it, and a detached worker leaves to others what it does not
// start.
func (c *consumer) mayPrefetch() bool { return c.prefetches() && !c.q.settles.Load() }

// prefetches is mayPrefetch, but for an OnSettled: that may come with another consumer
// while items are prefetched.
func (c *consumer) prefetches() bool {
	return !c.batches && !c.keyed && c.timeout == 0 && !c.detach && !c.skips && c.limit == nil &&
		c.ownLimiter == nil && !c.q.stamped
}

// takeQuick takes one item or more that are there, if nothing but handling them needs
// thought. The attempt that is sampled goes the long way.
func (w *worker) takeQuick() bool {
	if !w.quick || w.runs%sampleRuns == 0 || w.c.slowPath.Load() {
		return false
	}
	n, o := w.hands.takeNow(w.share())
	if o != engine.OK {
		return false
	}
	w.tookAhead(n)
	return true
}

// tookAhead notes that n items came from the queue: the next one, and the ones behind
// it, which are prefetched.
func (w *worker) tookAhead(n int) {
	w.took(1)
	w.rest = n - 1
	w.n += w.rest
	if w.rest > 0 && !w.c.prefetched.Load() {
		w.c.prefetched.Store(true) // before the items can be seen in the worker's state
	}
}

// share returns how many items the worker may take: its share of half of the items
// that are there. While that is not worth it, it looks seldom: producers write
// the length.
func (w *worker) share() int {
	if !w.worthIt && w.runs%8 != 1 || w.others > maxPrefetchers || !w.c.mayPrefetch() {
		return 1
	}
	n := min(w.c.q.ring.Len()/(2*w.others), maxPrefetch)
	w.worthIt = n >= minPrefetch
	if !w.worthIt {
		return 1
	}
	return min(n, sampleRuns-int(w.runs%sampleRuns))
}

// advance goes on to the next prefetched item, after the one in hand was handled.
func (w *worker) advance() bool {
	if w.rest == 0 || w.c.q.settles.Load() {
		return false
	}
	state := running + uint32(w.rest)*onePrefetched
	if !w.state.CompareAndSwap(state, state-onePrefetched) {
		return false
	}
	w.hands.drop(w.at, w.at+1)
	w.rest--
	w.at++
	w.runs++
	w.c.q.counters.handled.add(w.index, 1)
	return true
}

// shareOut is for a worker that has begun with prefetched items while something else
// is to do, or while another worker waits.
func (w *worker) shareOut() {
	if w.rest == 0 || !w.c.slowPath.Load() && w.c.idle.Load() == 0 {
		return
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.c.slowPath.Load() {
		w.c.reclaimLocked(w)
	}
	w.c.wakeOneLocked()
}

// reclaimRest lets others have what the worker has prefetched and not started. The
// worker does not change its hands before it had the mutex: another one may be
// reading them.
func (w *worker) reclaimRest() {
	if w.rest == 0 {
		return
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.rest = 0
	if w.c.reclaimLocked(w) {
		w.c.wakeOneLocked()
	}
}

// reclaimLocked makes due what w has prefetched and not started, and reports whether
// that was anything.
func (c *consumer) reclaimLocked(w *worker) bool {
	for {
		state := w.state.Load()
		rest := prefetched(state)
		if rest == 0 {
			return false
		}
		if w.state.CompareAndSwap(state, state&stateMask) {
			for range rest {
				w.n--
				c.parked.due.pushFront(&parkedItem{item: w.hands.item(w.n)})
				w.hands.drop(w.n, w.n+1)
			}
			c.parkedLocked(rest)
			return true
		}
	}
}

// reclaimAllLocked reclaims from all workers, and reports whether that was anything.
func (c *consumer) reclaimAllLocked() (some bool) {
	if !c.prefetched.Load() {
		return false // thousands of workers that wait would each look at all others
	}
	for _, w := range c.workers {
		some = c.reclaimLocked(w) || some
	}
	return some
}

// probeLocked looks at one of the workers, each time at another, and reclaims what
// it has prefetched if it was at the same item the last time.
func (c *consumer) probeLocked() {
	if !c.prefetches() {
		return
	}
	c.probe++
	w := c.workers[c.probe%len(c.workers)]
	state := w.state.Load()
	if state == w.probed {
		c.reclaimLocked(w)
	}
	w.probed = state
}
