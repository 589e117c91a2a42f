package engine

import (
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
	Canceled         // the context was done first; nothing was put or taken
	pending          // internal: another call holds the lock bit for longer than is worth waiting here
)

// Config describes an Engine.
type Config struct {
	// Capacity is how many items fit, at least 0. With 0 a put succeeds only by
	// handing its item to a take. Memory is taken as items come, so a large one
	// costs nothing.
	Capacity int
	// Sampled is called with the time an item waited, for one position in 64,
	// on the taking goroutine and outside any lock. If nil, no clock is read.
	Sampled func(wait time.Duration)
}

// maxCopy is how many items are copied under a lock bit at most: others wait for
// that.
const maxCopy = 256

// Engine is the queue. Make one with New; all methods may be called from any
// goroutine.
type Engine[T any] struct {
	// Read by everybody and written once a chunk, so they may share a line.
	mask       uint64    // the length of a chunk, less one
	putChunk   *chunk[T] // that of the last position written; guarded by tail's lock bit
	takeChunk  *chunk[T] // that of the last position taken; guarded by head's lock bit
	spare      atomic.Pointer[chunk[T]]
	maxSpares  int
	pointers   bool           // T holds pointers: taken slots are cleared
	rendezvous *rendezvous[T] // capacity 0: everything happens there

	core
}

// New makes an empty engine. A negative capacity panics: channelq has checked it.
func New[T any](cfg Config) *Engine[T] { return newAt[T](cfg, 0) }

// newAt starts at a given position, so that tests reach the wrap of the indices.
func newAt[T any](cfg Config, start uint64) *Engine[T] {
	if cfg.Capacity < 0 {
		panic("stead/channelq: negative capacity")
	}
	e := &Engine[T]{
		pointers: holdsPointers[T](),
		core:     core{capacity: cfg.Capacity, drained: make(chan struct{})},
	}
	e.core.serve = e.serve
	if cfg.Sampled != nil {
		e.samples = newSamples(cfg.Sampled)
	}
	if cfg.Capacity == 0 {
		e.rendezvous = &rendezvous[T]{samples: e.samples, drained: e.drained}
	}
	e.start = e.firstChunk(start)
	e.tail.Store(e.start * posUnit)
	e.head.Store(e.start * posUnit)
	e.limit.Store(e.start)
	e.cachedTail.Store(e.start)
	if e.samples != nil {
		e.samples.notedTail = e.start
	}
	return e
}

// Totals returns how many items were ever accepted, and how many of those are
// gone: taken or evicted. At rest their difference is Len.
func (e *Engine[T]) Totals() (put, taken uint64) {
	if e.rendezvous != nil {
		return e.rendezvous.totals()
	}
	return e.totals()
}

// Close refuses puts from now on, the ones that wait included, and lets takes have
// what was accepted. It reports whether this was the first call.
func (e *Engine[T]) Close() bool {
	if e.rendezvous != nil {
		return e.rendezvous.close()
	}
	return e.close()
}

// Oldest returns about when the oldest item still here was put: never earlier
// than that, and later by at most the next 64 items, or, if fewer were put since,
// by the time until Oldest was first called with the item here. The zero time
// means that nothing is there, or that nothing is sampled.
func (e *Engine[T]) Oldest() time.Time {
	if e.samples == nil {
		return time.Time{}
	}
	for i := 0; ; i++ {
		h := e.head.Load()
		t := e.tail.Load() / posUnit
		pos := h / posUnit
		if t == pos {
			return time.Time{}
		}
		if h&locked == 0 && e.head.CompareAndSwap(h, h|locked) {
			next := int64(0)
			if p := ceil(pos); distance(t, p) > 0 {
				next = e.chunkOf(p).stamps[p&e.mask/sampleEvery]
			}
			e.release(0)
			return e.samples.oldest(pos, t, next)
		}
		backOff(i)
	}
}
