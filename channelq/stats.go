package channelq

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Stats is a snapshot of a queue's books. Counters never fall and gauges are
// never negative. When nothing is in motion, and after a stop,
//
//	Accepted = TakenByHand + Handled + GaveUp + Skipped + Coalesced +
//	           Dropped.Total() + Leftover + Depth + InProgress + Parked
//
// holds exactly; a snapshot in motion may be off by the calls in flight. What
// was refused was never accepted and is no part of the sum.
type Stats struct {
	Name     string
	Mode     FullMode
	Capacity int

	Depth      int // items in the queue, at most Capacity
	HighWater  int // the greatest Depth there ever was
	InProgress int // items in the hands of workers: one each, or a few that quick handlers come to soon
	Parked     int // taken from the queue and held back: for a retry, behind an item of the same key, or by a pause; see Workers.Pause
	Workers    int // goroutines that handle items

	Accepted    uint64 // items the queue ever took in
	TakenByHand uint64 // by Dequeue, TryDequeue, DequeueBatch and All
	Handled     uint64 // items whose handler returned nil
	GaveUp      uint64 // items that failed for the last time
	Skipped     uint64 // items that WorkerConfig.Skip did not want handled
	Coalesced   uint64 // items that were not added, as one of their key waited; see Config.Coalesce
	Retried     uint64 // attempts after the first one
	Panics      uint64 // of handlers, of the errors they return, and of the callbacks OnDrop, OnGiveUp and OnLeftover; runtime.Goexit among them
	Leftover    uint64 // items that a stop did not have handled, even if OnLeftover took them

	Dropped DropCounts
	Refused Refused

	// OldestDue is about when the oldest item that could be handled now was
	// enqueued, or became due for its retry; parked items do not count. It is
	// never too young by more than 64 items or the time since the last snapshot,
	// and zero when there is none.
	OldestDue time.Time

	Wait   Histogram // from enqueue to take, of one slot in 64
	Handle Histogram // of one attempt in 64 of each worker
}

// DropCounts counts accepted items that were dropped later, by reason.
type DropCounts struct{ Oldest, Newest uint64 }

// Total returns the sum over all reasons.
func (d DropCounts) Total() uint64 { return d.Oldest + d.Newest }

// Refused counts items that were never accepted, by reason.
type Refused struct {
	Full      uint64 // ErrFull
	Write     uint64 // ErrDropped
	Closed    uint64 // ErrClosed
	Cancelled uint64 // the context was done first, or the stop of its host began
}

// Total returns the sum over all reasons.
func (r Refused) Total() uint64 { return r.Full + r.Write + r.Closed + r.Cancelled }

// counters are the counters of one queue. Everybody who takes from it writes here,
// so that the sum is right whatever they are. What is in progress needs no
// counter: it is what was taken and has not ended in any other bucket.
type counters struct {
	byHand, handled striped

	gaveUp, retried, panics, leftover atomic.Uint64
	skipped, coalesced, requeued      atomic.Uint64
	oldest, newest                    atomic.Uint64 // dropped
	full, write, closed, cancelled    atomic.Uint64 // refused
	parked, workers                   atomic.Int64

	wait, handle histogram
}

func (c *counters) drop(reason DropReason) {
	switch reason {
	case DroppedOldest:
		c.oldest.Add(1)
	case DroppedNewest:
		c.newest.Add(1)
	case DroppedWrite:
		c.write.Add(1)
	}
}

// Stats returns a snapshot. It may be called from any goroutine and waits for
// nobody but a call that is moving an item at that moment.
func (q *queue) Stats() Stats {
	c := &q.counters
	// Taken is read before the buckets it is split into, so that what is in
	// progress comes out too small rather than too large.
	coalesced, requeued := c.coalesced.Load(), c.requeued.Load()
	accepted, taken := q.ring.Totals()
	taken += requeued
	s := Stats{
		Name: q.name, Mode: q.mode, Capacity: q.ring.Cap(),
		Depth: q.ring.Len(), HighWater: q.ring.HighWater(),
		Parked:   int(max(c.parked.Load(), 0)),
		Workers:  int(max(c.workers.Load(), 0)),
		Accepted: accepted + coalesced + requeued,
		Skipped:  c.skipped.Load(), Coalesced: coalesced,
		TakenByHand: c.byHand.load(), Handled: c.handled.load(), GaveUp: c.gaveUp.Load(),
		Retried: c.retried.Load(), Panics: c.panics.Load(), Leftover: c.leftover.Load(),
		Dropped:   DropCounts{Oldest: c.oldest.Load(), Newest: c.newest.Load()},
		Refused:   Refused{Full: c.full.Load(), Write: c.write.Load(), Closed: c.closed.Load(), Cancelled: c.cancelled.Load()},
		OldestDue: q.ring.Oldest(),
		Wait:      c.wait.snapshot(), Handle: c.handle.snapshot(),
	}
	ended := s.TakenByHand + s.Handled + s.GaveUp + s.Skipped + s.Dropped.Total() + s.Leftover + uint64(s.Parked)
	if taken > ended {
		s.InProgress = int(taken - ended)
	}
	return s
}

// Counts returns where the accepted items ended, by name, for a report: those of the
// identity above that are not zero, and always "accepted". Beside them
// "refused_closed", if it is not zero, counts the items that came when the queue
// was closed: a producer outlived it, as it is stopped later or by nobody.
func (s Stats) Counts() map[string]uint64 {
	all := map[string]uint64{"accepted": s.Accepted}
	for _, c := range [...]struct { // no map: a host of 10,000 queues asks each
		name string
		n    uint64
	}{
		{"taken_by_hand", s.TakenByHand},
		{"handled", s.Handled},
		{"gave_up", s.GaveUp},
		{"skipped", s.Skipped},
		{"coalesced", s.Coalesced},
		{"dropped", s.Dropped.Total()},
		{"leftover", s.Leftover},
		{"still_there", uint64(s.Depth + s.InProgress + s.Parked)},
		{"refused_closed", s.Refused.Closed},
	} {
		if c.n > 0 {
			all[c.name] = c.n
		}
	}
	return all
}

// Counts returns the Counts of Stats.
func (q *queue) Counts() map[string]uint64 { return q.Stats().Counts() }

// striped is a counter whose writers mostly do not share a cache line: a line
// that goes back and forth between two cores costs more than taking an item.
type striped struct {
	_       [64]byte // nothing that others read shares a line with a stripe
	stripes [8]struct {
		n atomic.Uint64
		_ [56]byte // the rest of the cache line
	}
}

// addHere adds n on the stripe that belongs to the calling goroutine's stack.
// The address is only a cheap number that differs between goroutines and seldom
// changes for one of them; any value is correct.
func (s *striped) addHere(n uint64) {
	var here byte
	s.add(int(uintptr(unsafe.Pointer(&here))>>13), n) // only a number, never a pointer again
}

func (s *striped) add(stripe int, n uint64) { s.stripes[uint(stripe)%uint(len(s.stripes))].n.Add(n) }

func (s *striped) load() uint64 {
	var sum uint64
	for i := range s.stripes {
		sum += s.stripes[i].n.Load()
	}
	return sum
}
