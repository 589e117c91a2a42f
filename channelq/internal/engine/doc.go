// Package engine is the bounded queue that channelq is built on: many producers,
// many consumers, first in first out, waiting with a context, closing and
// draining, and totals that add up. Errors, counters by reason, callbacks and
// workers belong to channelq.
//
// # Layout
//
// A ring of values, a ring of turn words beside it, and two indices.
//
//   - Producers claim positions with one compare-and-swap on tail, write their
//     values, and publish the whole claim with one store to the turn word of its
//     first position. A turn word says "n items starting here are in place", so
//     a batch costs two atomics and a memmove whatever its size.
//   - One consumer at a time holds the lock bit inside head, copies a run of
//     published values out and releases lock and slots together with one add.
//
// What decides throughput is how many cache lines cross between cores per item.
// The producers' line and the consumers' line stay where they are used: a
// producer looks at head only when the room it knows of is used up, a consumer
// looks at tail only when the turn word says that nothing is there.
//
// # Guarantees
//
//  1. An operation takes effect at one instant: a put when it claims its
//     positions, a take when it releases head. Batches take effect in pieces.
//  2. Closed is a bit of tail, so a put is either before the close or refused,
//     and nothing is accepted after a consumer saw "closed and drained".
//  3. Try operations do not fail because of a lost race. They may wait for a
//     call on another goroutine that is between its two atomics, as they would
//     for a mutex, but never for an item or for room.
//  4. Waiting calls of one side are served in the order of their arrival. A call
//     that finds room or an item at once may overtake those that wait; one that
//     waits cannot be overtaken by a later waiter.
//  5. A wait that ends with its context puts nothing and takes nothing, and
//     whatever wake-up it had received goes to the next in line.
//
// # Cost
//
// No goroutine, no allocation per item; waiting reuses its parking place.
// Nobody spins for more than a few dozen loads; waiting calls yield the
// processor once or twice and then park on a channel of their own, which a
// synctest bubble sees as blocked.
package engine
