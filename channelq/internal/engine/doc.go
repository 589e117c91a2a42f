// Package engine is the bounded first-in first-out store under a queue: who may
// put, who may take, who waits and in which order. Modes, counters and errors
// live above it.
//
// One mutex guards everything. An item is handed straight to the goroutine that
// waits for it, and a waiting put is moved in by the take that made room, so
// nobody can overtake a waiter: while somebody waits to take, the ring is empty,
// and while somebody waits to put, it is full.
package engine

import "time"

// Outcome says how a call ended.
type Outcome uint8

// The outcomes.
const (
	OK        Outcome = iota
	Full              // not put: no room, and the call may not wait
	Empty             // not taken: nothing there, and the call may not wait
	Closed            // put: the engine is closed; take: closed and drained
	Cancelled         // the context ended first; nothing more was put or taken
)

// Config describes an engine.
type Config struct {
	// Capacity is how many items fit, at least 0. An engine of capacity 0 is a
	// rendezvous: a put succeeds only by handing over to a waiting take.
	Capacity int
	// Sampled is called on the taking goroutine, outside any lock, for one slot
	// in 64, with the time from the put to the take. Nil means no sampling and
	// no clock reads.
	Sampled func(wait time.Duration)
}
