package channelq

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// gate keeps producers out of a queue while many of its items wait for their keys.
// Workers with a Key take everything from the queue, so that an item of a free key
// never waits behind those of a busy one. The bound that the queue would be is then
// here: the ones that wait and those in the queue are at most twice the capacity, and the
// items of calls that had waited in the queue before. Drop modes do without, and their
// workers take less: what is dropped is in the queue.
type gate struct {
	used    atomic.Bool // by workers with a Key: many items enter one by one
	crowded atomic.Bool // all that a producer of one item looks at usually

	mu      sync.Mutex
	held    int // items that wait for their keys
	waiting []chan struct{}
}

// setHeld says how many items wait for their keys.
func (q *queue) setHeld(n int) {
	g := &q.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	less := g.held - n
	g.held = n
	g.crowded.Store(q.gated() && n >= q.ring.Cap())
	if !g.crowded.Load() || q.closing.Load() != nil {
		less = len(g.waiting)
	}
	g.admitLocked(less)
}

func (q *queue) gated() bool { return q.ring.Cap() > 0 && (q.mode == Wait || q.mode == Reject) }

func (g *gate) admitLocked(n int) {
	for ; n > 0 && len(g.waiting) > 0; n-- {
		g.waiting[0] <- struct{}{}
		g.waiting = g.waiting[1:]
	}
}

// enter waits for room behind the gate, if it may. It returns OK, Full or Canceled. OK
// also means that the queue is closed: the put will say so.
func (q *queue) enter(ctx context.Context, halt <-chan struct{}, wait bool) engine.Outcome {
	g := &q.gate
	g.mu.Lock()
	if !g.crowded.Load() || q.closing.Load() != nil || len(g.waiting) == 0 && g.held+q.ring.Len() < 2*q.ring.Cap() {
		g.mu.Unlock()
		return engine.OK
	}
	if !wait {
		g.mu.Unlock()
		return engine.Full
	}
	turn := make(chan struct{}, 1)
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return engine.OK
	case <-ctx.Done():
	case <-halt:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, turn); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	} else {
		g.admitLocked(1) // the turn had come: it goes to the next
	}
	return engine.Canceled
}
