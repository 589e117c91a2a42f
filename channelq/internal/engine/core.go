package engine

import (
	"sync"
	"sync/atomic"
)

// Both indices count positions from the start in their upper 62 bits and keep
// flags in the lower two. They wrap; compare them with distance only.
const (
	locked  = 1 // in tail: a put is writing items; in head: a take is copying them out
	closed  = 2 // in tail: it will not move any more
	closing = 2 // in head: tail is closed, the take of the last item must say so
	posUnit = 4 // one position
)

// distance is how many positions a is ahead of b, negative when it is behind.
func distance(a, b uint64) int { return int(int64((a-b)<<2) >> 2) }

// pad keeps what producers write and what consumers write on different cache
// lines; two of them, since neighbors are fetched in pairs.
type pad [128]byte

// core is what does not depend on the type of the items: positions, their lock
// bits, waiting and closing. A program has it once, however many types it queues.
type core struct {
	capacity int
	start    uint64 // the first position, 0 except in tests of wrap-around
	samples  *samples
	serve    func(most int, whatFits bool) // lets waiting puts in

	_    pad
	tail atomic.Uint64 // the next position to put, locked and closed
	// limit is a position up to which producers may put without looking at
	// head: there is room, and the high-water mark does not rise. Any head ever
	// seen plus any mark ever reached is a valid limit, so racing stores are
	// harmless.
	limit atomic.Uint64
	high  atomic.Int64

	_    pad
	head atomic.Uint64 // the next position to take, locked and closing
	// cachedTail is where tail stood when a consumer last looked: up to there,
	// items are taken without a look at the producers' line. Stored under head's
	// lock bit only.
	cachedTail atomic.Uint64

	_         pad
	putters   waiters
	_         pad
	takers    waiters
	swapped   atomic.Uint64 // items replaced by PutEvict: accepted and gone without an index moving
	drainOnce sync.Once
	drained   chan struct{}
}

// Cap returns the capacity.
func (c *core) Cap() int { return c.capacity }

// Len returns how many items are in the queue: never negative and never above Cap.
func (c *core) Len() int {
	for range 8 {
		h := c.head.Load()
		t := c.tail.Load()
		// Head stood still while tail was read, so the difference was true then.
		if (c.head.Load()^h)/posUnit == 0 {
			return min(distance(t/posUnit, h/posUnit), c.capacity)
		}
	}
	h := c.head.Load()
	return max(0, min(distance(c.tail.Load()/posUnit, h/posUnit), c.capacity))
}

// HighWater returns the greatest length so far. It may be too high by the takes
// that ran beside the put that reached it, never above Cap, and never too low.
func (c *core) HighWater() int { return int(c.high.Load()) }

// Drained returns a channel that is closed once the engine is closed and every
// accepted item was taken.
func (c *core) Drained() <-chan struct{} { return c.drained }

// totals returns how many items were put and how many are gone.
func (c *core) totals() (put, taken uint64) {
	// Taken first: a reader must not see an item leave that never came.
	s := c.swapped.Load()
	taken = uint64(distance(c.head.Load()/posUnit, c.start)) + s
	put = uint64(distance(c.tail.Load()/posUnit, c.start)) + s
	return put, taken
}

// close refuses puts and reports whether this was the first call.
func (c *core) close() bool {
	for i := 0; ; i++ {
		t := c.tail.Load()
		if t&closed != 0 {
			return false
		}
		// Not beside a put that is writing: nothing may come after the close.
		if t&locked == 0 && c.tail.CompareAndSwap(t, t|closed) {
			break
		}
		backOff(i)
	}
	// The order matters: a consumer that releases head before the closing bit
	// is set is seen by the check below; one that releases it after checks.
	h := c.head.Or(closing)
	c.putters.closeAll()
	c.takers.wakeAll()
	c.checkDrained(h / posUnit)
	return true
}

// checkDrained ends the engine's life when pos, which head has reached, is where
// a closed tail stands.
func (c *core) checkDrained(pos uint64) {
	if c.tail.Load() != pos*posUnit|closed {
		return
	}
	c.drainOnce.Do(func() {
		close(c.drained)
		c.takers.wakeAll()
	})
}

// lockTail takes tail's lock bit if there is room, for up to want items. The
// caller writes those and publishes them.
//
// The slots are free to write: limit and head are read after a consumer stored
// them with the release of those very slots, or were derived from such a read.
func (c *core) lockTail(want int) (pos uint64, got int, o Outcome) {
	for i := 0; ; i++ {
		t := c.tail.Load()
		pos, got = t/posUnit, want
		switch {
		case t&closed != 0:
			return 0, 0, Closed
		case t&locked != 0:
		case distance(c.limit.Load(), pos) >= want:
			if c.tail.CompareAndSwap(t, t|locked) {
				return pos, got, OK
			}
		default:
			// Head is read after tail, so "full" was true when head was read.
			h := c.head.Load() / posUnit
			if got = min(want, c.capacity-distance(pos, h)); got <= 0 {
				return 0, 0, Full
			}
			if c.tail.CompareAndSwap(t, t|locked) {
				c.raise(h, distance(pos, h)+got)
				return pos, got, OK
			}
		}
		backOff(i)
	}
}

// advanceLimit looks at head and reports whether a put at pos fits without
// raising the high-water mark. That is the usual case of a queue that is never
// long, where limit is soon used up.
func (c *core) advanceLimit(pos uint64) bool {
	limit := c.head.Load()/posUnit + uint64(c.high.Load())
	if distance(limit, pos) <= 0 {
		return false
	}
	c.limit.Store(limit)
	return true
}

// raise notes a length of the queue that was reached with head at h, for the
// holder of tail's lock bit. If that is a new high-water mark, limit would be where
// tail will be, which is of no use.
func (c *core) raise(h uint64, length int) {
	if high := c.high.Load(); high < int64(length) {
		c.high.Store(int64(length))
	} else {
		c.limit.Store(h + uint64(high))
	}
}

// publish makes n written positions visible together with giving tail's lock bit
// back, and wakes a consumer if one is parked.
//
// The add comes before the load of needsWakeup; a consumer that parks sets that
// before it looks at tail for the last time. One of the two sees the other, since
// Go's atomics have one total order.
func (c *core) publish(n int) {
	c.tail.Add(uint64(n)*posUnit - locked)
	if c.takers.needsWakeup.Load() {
		c.takers.wake()
	}
}

// lockHead takes head's lock bit if an item is there, and returns head and how
// many items are known to be there. Otherwise: Empty, Closed, or pending when
// another call keeps the lock bit.
//
// Looking before locking keeps head's line clean while the queue is empty. What
// was seen holds once the swap succeeds: only a holder of the lock bit moves
// head, and then head is another one, since it never repeats.
func (c *core) lockHead() (h uint64, run int, o Outcome) {
	for range spins {
		h = c.head.Load()
		if h&locked == 0 {
			pos := h / posUnit
			known := max(0, distance(c.cachedTail.Load(), pos))
			if known == 0 {
				// Tail is read after head and never behind it: equal means that
				// the queue was empty when tail was read.
				t := c.tail.Load()
				if t/posUnit == pos {
					if t&closed != 0 {
						return 0, 0, Closed
					}
					return 0, 0, Empty
				}
			}
			if c.head.CompareAndSwap(h, h|locked) {
				if known == 0 {
					known = c.refreshTail(pos)
				}
				return h, known, OK
			}
		}
		pause()
	}
	return 0, 0, pending
}

// refreshTail brings cachedTail up to date, for the holder of head's lock bit at
// pos, and returns how many items are there.
func (c *core) refreshTail(pos uint64) int {
	t := c.tail.Load() / posUnit
	c.cachedTail.Store(t)
	return distance(t, pos)
}

// release gives n slots back together with the lock bit. An add and not a store:
// Close may have set the closing bit meanwhile.
func (c *core) release(n int) {
	if h := c.head.Add(uint64(n)*posUnit - locked); h&closing != 0 || c.hasWaiters() {
		c.afterRelease(h, n)
	}
}

// hasWaiters reports whether a call is parked that a release may concern: a put
// that waits for the slots, or a take that found the lock bit set. It comes after
// the add; those calls set their flag before they look at head for the last time.
func (c *core) hasWaiters() bool {
	return c.putters.needsWakeup.Load() || c.takers.needsWakeup.Load()
}

// afterRelease does what n freed slots and the head h, unlocked, give rise to.
func (c *core) afterRelease(h uint64, n int) {
	if h&closing != 0 {
		c.checkDrained(h / posUnit)
	}
	if c.putters.needsWakeup.Load() {
		c.serve(n, false)
	}
	c.passWakeup()
}

// passWakeup wakes the next consumer if there is something for it. It comes after
// leave has set needsWakeup: a put that was published too late to be seen here
// sees needsWakeup.
func (c *core) passWakeup() {
	if c.takers.needsWakeup.Load() && c.Len() > 0 {
		c.takers.wake()
	}
}

// lockFull takes tail's lock bit too, if the queue is full and not closed. With
// pending and Closed it has released head's.
func (c *core) lockFull(h uint64) (pos uint64, o Outcome) {
	for i := 0; ; i++ {
		t := c.tail.Load()
		switch {
		case t&closed != 0:
			c.release(0)
			return 0, Closed
		case distance(t/posUnit, h) < c.capacity:
			c.release(0)
			return 0, pending
		case t&locked == 0 && c.tail.CompareAndSwap(t, t|locked):
			return t / posUnit, OK
		}
		backOff(i)
	}
}
