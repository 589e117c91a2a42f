package channelq

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
)

// The state of a worker decides who may do what with the items in its hands:
//
//	idle -----> running ----> idle      the worker starts and ends an attempt
//	 |             |
//	 v             v
//	held        abandoned               Pause and Stop forbid the start, or give
//	                                    up on a handler that does not return
//
// The side that makes the step with a compare-and-swap has the items, and the other side
// leaves them alone. That is what keeps an item from being counted twice.
const (
	idle uint32 = iota
	running
	held
	abandoned
)

// worker is one goroutine that handles items, one at a time or by the batch.
type worker struct {
	c     *consumer
	index int // counts the workers ever made
	state atomic.Uint32

	// What the worker took from the queue. A stop that abandons the worker reads it.
	hands hands
	items []itemState     // one for each item in hands
	ctx   context.Context // of its handlers

	at   int // the position in hands of the first one of items
	n    int // how many there are in hands; reclaiming takes from their end
	rest int // how many of them are prefetched, unless they were reclaimed

	runs    uint64 // attempts, to sample their durations
	quick   bool   // the last one sampled was short
	worthIt bool   // the last look at the queue was worth to prefetch
	others  int    // workers there were at the last look around

	began time.Time // of the attempt, if it is measured; otherwise zero
	ended time.Time // of the last attempt that failed

	// While an attempt is being settled, which calls user code.
	settling  bool
	outcome   error    // of the attempt
	results   []result // of the items in hands, as far as they are decided
	notifying bool     // they are settled, and OnSettled is being called
	notified  int      // for so many of them

	limited    bool         // it has acquired the Limit
	attemptNo  atomic.Int32 // for Attempt, as is
	enqueuedAt atomic.Pointer[time.Time]

	// Guarded by the consumer's mutex.
	pos       int  // in the consumer's workers
	asking    bool // user code is called, and not the handler: see ask
	inTurn    bool // it has the consumer's keyTurn
	acquiring bool // it waits for the Limit
	place     place
	woken     bool   // so the last wait ended
	probed    uint32 // the state when another worker looked last
	wakeup    signal
	removed   bool
}

// hands hold the items of one worker: the part of it that knows their type.
type hands interface {
	// take takes at most so many items from the queue and waits for the first.
	take(wait signal, most int) (int, engine.Outcome)
	takeNow(most int) (int, engine.Outcome)
	load(item any)  // adds one that was parked
	item(i int) any // returns one to be parked
	// handle calls the handler: of Workers with one item, of a Batcher with all.
	handle(ctx context.Context, i int) error
	key() string                         // returns the ordering key of the only one
	skip() bool                          // asks Skip about the only one
	enqueued(i int) time.Time            // returns when one just taken was enqueued, by a shelf
	claim()                              // takes all of them off the shelf: they start
	settled(i int, o Outcome, err error) // calls OnSettled
	drop(from, to int)                   // forgets items, so that they can be collected
}

// spawnLocked brings the number of workers up to the target. Only manage calls
// it, so that workers inherit the labels of the goroutine that called Start.
func (c *consumer) spawnLocked() {
	for !c.ending && len(c.workers) < c.target {
		go c.newWorkerLocked().serve(nil)
	}
}

func (c *consumer) newWorkerLocked() *worker {
	w := &worker{c: c, index: c.made, hands: c.items.newHands(), wakeup: make(signal, 1)}
	w.ctx = workerContext{c.base, w}
	c.made++
	w.pos = len(c.workers)
	c.workers = append(c.workers, w)
	c.q.counters.workers.Add(1)
	return w
}

// serve is the goroutine of a worker. A Goexit in user code ends it. The worker
// then goes on in another goroutine, which first settles what was in its hands.
func (w *worker) serve(unwound error) {
	guard.Run(func() error {
		if unwound == nil || w.resume(unwound) {
			w.loop()
		}
		return nil
	}, func(err error) {
		if err != nil {
			go w.serve(err)
			return
		}
		w.c.mu.Lock()
		defer w.c.mu.Unlock()
		w.c.removeLocked(w)
	})
}

// loop ends when the worker is not needed any more, or is abandoned.
func (w *worker) loop() {
	for w.next() {
		if mine := w.run(); !w.releaseLimit() || !mine {
			return
		}
	}
	w.releaseLimit()
}

// unload empties the hands of the worker into parked items.
func (w *worker) unload() []*parkedItem {
	all := make([]*parkedItem, len(w.items))
	for i, state := range w.items {
		all[i] = &parkedItem{itemState: state, item: w.hands.item(w.at + i)}
	}
	w.empty()
	return all
}

// empty forgets the items in hand, so that they can be collected.
func (w *worker) empty() {
	w.hands.drop(w.at, w.n)
	clear(w.items)
	w.items, w.at, w.n = w.items[:0], 0, 0
}

// giveBack is giveBackLocked with the mutex.
func (w *worker) giveBack() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.giveBackLocked(w)
}

// giveBackLocked makes the items in hand due, which may not be started now, before
// all others that are due: they were taken before them.
func (c *consumer) giveBackLocked(w *worker) {
	for ; w.rest > 0; w.rest-- {
		w.items = append(w.items, itemState{})
	}
	n := len(w.items)
	for _, p := range slices.Backward(w.unload()) {
		c.parked.due.pushFront(p)
	}
	c.parkedLocked(n)
	c.refreshLocked()
}

func (c *consumer) removeLocked(w *worker) {
	if w.removed {
		return
	}
	w.removed = true
	last := len(c.workers) - 1
	c.workers[w.pos] = c.workers[last]
	c.workers[w.pos].pos = w.pos
	c.workers[last] = nil
	c.workers = c.workers[:last]
	c.q.counters.workers.Add(-1)
	c.refreshLocked()
	c.wakeOneLocked() // it may have been woken for something that is still to do
	c.pokeManager()
}
