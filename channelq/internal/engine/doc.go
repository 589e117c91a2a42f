// Package engine is the bounded queue that channelq is built on: many producers,
// many consumers, first in first out, waiting with a context, closing and
// draining, and totals that add up. Errors, counters by reason, callbacks and
// workers belong to channelq.
//
// # Layout
//
// Two indices, each with a lock bit in it, and the items in chunks: see chunk.
//
//   - One producer at a time holds the lock bit inside tail, writes its values,
//     and publishes them together with giving the lock bit back, by one add. A
//     batch costs two atomics and a memmove whatever its size.
//   - One consumer at a time holds the lock bit inside head, copies values out
//     and releases lock and slots in the same way.
//
// What decides throughput is how many cache lines cross between cores per item.
// The producers' line and the consumers' line stay where they are used: a
// producer looks at head only when the room it knows of is used up, a consumer
// looks at tail only when it has taken all that was there at its last look. A
// producer that finds the queue full yields once before it parks; a consumer that
// finds it empty parks, so that it runs next where the next item is put.
//
// What does not depend on the type of the items is in core, waiters and samples,
// which a program has once. Only what copies items is there for each type.
//
// # Guarantees
//
//  1. An operation takes effect at one instant: a put when it moves tail, a take
//     when it moves head. Batches take effect in pieces.
//  2. Closed is a bit of tail, so a put is either before the close or refused,
//     and nothing is accepted after a consumer saw "closed and drained".
//  3. Try operations do not fail because of a lost race. They may wait for a
//     call on another goroutine that is between its two atomics, as they would
//     for a mutex, but never for an item or for room.
//  4. Waiting calls of one side are served in the order of their arrival. A call
//     that finds room or an item at once may overtake the ones that wait; one that
//     waits cannot be overtaken by a later waiter.
//  5. A wait that ends with its context puts nothing and takes nothing, and
//     whatever wake-up it had received goes to the next in line.
//
// # Cost
//
// No goroutine, no allocation per item; waiting reuses its parking place. A put
// that waits yields the processor once and then parks on a channel of its own, as
// a take does at once; a synctest bubble sees both as blocked. A call that finds a
// lock bit set yields a few times and then sleeps if the holder stays away: no
// more than a few microseconds are burnt. In a bubble it goes on to yield.
//
// Memory is that of the items in the queue, rounded up to chunks of 16 kB or 64
// items, and a megabyte of spare chunks at most. A queue whose capacity fits into
// one chunk has that from the start.
//
// A holder that an operating system preempts between its two atomics costs its
// side how long that is, usually milliseconds: nobody else of that side gets
// through, whatever their contexts say, since nobody but the holder knows how far
// it has come. The other side goes on with what is published or free.
package engine
