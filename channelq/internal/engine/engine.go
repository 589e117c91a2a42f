package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Outcome is how a call ended.
type Outcome uint8

// The outcomes. Every call documents which of them it can have.
const (
	OK       Outcome = iota
	Full             // not put: no room, and the call may not wait
	Empty            // not taken: nothing there, and the call may not wait
	Closed           // put: the engine is closed; take: closed and drained
	Canceled         // the context ended first; nothing was put or taken
	pending          // internal: another call holds the lock bit for longer than is worth waiting here
)

// Config describes an Engine.
type Config struct {
	// Capacity is how many items fit, at least 0. With 0 a put succeeds only by
	// handing its item to a take.
	Capacity int
	// Sampled is called with the time an item waited, for one position in 64,
	// on the taking goroutine and outside any lock. Nil: no clock is read.
	Sampled func(wait time.Duration)
}

// Both indices count positions from the start in their upper 62 bits and keep
// flags in the lower two. They wrap; compare them with distance only.
const (
	locked  = 1 // in tail: a put is writing items; in head: a take is copying them out
	closed  = 2 // in tail: it will not move any more
	closing = 2 // in head: tail is closed, whoever takes the last item must say so
	posUnit = 4 // one position
)

// distance is how many positions a is ahead of b, negative when it is behind.
func distance(a, b uint64) int { return int(int64((a-b)<<2) >> 2) }

// maxCopy is how many items are copied under a lock bit at most: others wait for
// that.
const maxCopy = 256

// pad keeps what producers write and what consumers write on different cache
// lines; two of them, since neighbours are fetched in pairs.
type pad [128]byte

// Engine is the queue. Make one with New; all methods may be called from any
// goroutine.
type Engine[T any] struct {
	values     []T // a power of two of them, at least capacity
	mask       uint64
	capacity   int
	start      uint64 // the first position, 0 except in tests of wrap-around
	pointers   bool   // T holds pointers: taken slots are cleared
	burst      int    // how many waiting puts may be served at once
	samples    *samples
	rendezvous *rendezvous[T] // capacity 0: everything happens there

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
	// cachedTail is where tail stood when a consumer last looked: up to there, items
	// are taken without a look at the producers' line. Stored under head's lock
	// bit only.
	cachedTail atomic.Uint64

	_         pad
	putters   putters[T]
	_         pad
	takers    takers[T]
	swapped   atomic.Uint64 // items replaced by PutNewest: accepted and gone without an index moving
	drainOnce sync.Once
	drained   chan struct{}
}

// New makes an empty engine. A negative capacity panics: channelq has checked it.
func New[T any](cfg Config) *Engine[T] { return newAt[T](cfg, 0) }

// newAt starts at a given position, so that tests reach the wrap of the indices.
func newAt[T any](cfg Config, start uint64) *Engine[T] {
	if cfg.Capacity < 0 {
		panic("stead/channelq: negative capacity")
	}
	size := 1
	for size < cfg.Capacity {
		size *= 2
	}
	e := &Engine[T]{
		values:   make([]T, size),
		mask:     uint64(size - 1),
		capacity: cfg.Capacity,
		start:    start,
		pointers: holdsPointers[T](),
		burst:    2 * runtime.GOMAXPROCS(0),
		drained:  make(chan struct{}),
	}
	e.tail.Store(start * posUnit)
	e.head.Store(start * posUnit)
	e.limit.Store(start)
	e.cachedTail.Store(start)
	if cfg.Sampled != nil {
		e.samples = newSamples(cfg.Sampled, cfg.Capacity, start)
	}
	if cfg.Capacity == 0 {
		e.rendezvous = &rendezvous[T]{samples: e.samples, drained: e.drained}
	}
	return e
}

// Cap is the capacity.
func (e *Engine[T]) Cap() int { return e.capacity }

// Len is how many items are in the queue: never negative and never above Cap.
func (e *Engine[T]) Len() int {
	for range 8 {
		h := e.head.Load()
		t := e.tail.Load()
		// Head stood still while tail was read, so the difference was true then.
		if (e.head.Load()^h)/posUnit == 0 {
			return min(distance(t/posUnit, h/posUnit), e.capacity)
		}
	}
	h := e.head.Load()
	return max(0, min(distance(e.tail.Load()/posUnit, h/posUnit), e.capacity))
}

// HighWater is the greatest length so far. It may be too high by the takes that
// ran beside the put that reached it, never above Cap, and never too low.
func (e *Engine[T]) HighWater() int { return int(e.high.Load()) }

// Totals are how many items were ever accepted, and how many of those are gone:
// taken or evicted. At rest their difference is Len.
func (e *Engine[T]) Totals() (put, taken uint64) {
	if e.rendezvous != nil {
		return e.rendezvous.totals()
	}
	// Taken first: a reader must not see an item leave that never came.
	s := e.swapped.Load()
	taken = uint64(distance(e.head.Load()/posUnit, e.start)) + s
	put = uint64(distance(e.tail.Load()/posUnit, e.start)) + s
	return put, taken
}

// Oldest is about when the oldest item still here was put: never earlier than
// that, and later by at most the next 64 items, or, if fewer were put since, by
// the time until Oldest was first called with the item here. The zero time means
// that nothing is there, or that nothing is sampled.
func (e *Engine[T]) Oldest() time.Time {
	h := e.head.Load() / posUnit
	t := e.tail.Load() / posUnit
	if e.samples == nil || t == h {
		return time.Time{}
	}
	return e.samples.oldest(h, t)
}

// Close refuses puts from now on, those that wait included, and lets takes have
// what was accepted. It reports whether this was the first call.
func (e *Engine[T]) Close() bool {
	if e.rendezvous != nil {
		return e.rendezvous.close()
	}
	for i := 0; ; i++ {
		t := e.tail.Load()
		if t&closed != 0 {
			return false
		}
		// Not beside a put that is writing: nothing may come after the close.
		if t&locked == 0 && e.tail.CompareAndSwap(t, t|closed) {
			break
		}
		backOff(i)
	}
	// The order matters: a consumer that releases head before the closing bit
	// is set is seen by the check below; one that releases it after checks.
	h := e.head.Or(closing)
	e.putters.closeAll()
	e.takers.wakeAll()
	e.checkDrained(h / posUnit)
	return true
}

// Drained is closed once the engine is closed and every accepted item was taken.
func (e *Engine[T]) Drained() <-chan struct{} { return e.drained }

// checkDrained ends the engine's life when pos, which head has reached, is where
// a closed tail stands.
func (e *Engine[T]) checkDrained(pos uint64) {
	if e.tail.Load() != pos*posUnit|closed {
		return
	}
	e.drainOnce.Do(func() {
		close(e.drained)
		e.takers.wakeAll()
	})
}
