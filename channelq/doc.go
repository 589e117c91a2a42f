// Package channelq has a bounded queue and what consumes it: a [Queue] that says
// what happens when it is full, [Workers] that handle its items with retries and
// a stop that ends, and a [Batcher] that hands them over by the batch.
//
// # Usage
//
//	q, err := channelq.New(channelq.Config[Email]{Name: "emails", Capacity: 1024})
//	w, err := channelq.NewWorkers(q, send, channelq.WorkerConfig[Email]{
//		Concurrency: 4,
//		Retry:       channelq.Retry{Attempts: 5},
//	})
//	host.Add("emails", w)
//	...
//	err = q.Enqueue(r.Context(), email)
//
// A queue can also be consumed by hand, with Dequeue, DequeueBatch or
//
//	for email := range q.All(ctx) {
//
// # Guarantees
//
//  1. First in, first out. Items of one producer are taken in the order it
//     enqueued them; waiting calls are served in the order they came.
//  2. A call that fails has done nothing: an enqueue whose context was done never
//     puts its item in, a dequeue whose context was done never takes one out. A
//     context that is already done fails at once, even when there is room.
//  3. After Close no item is accepted, and every item accepted before can be
//     taken. Nothing panics.
//  4. Every item ever accepted ends in exactly one counted bucket; the sum in
//     [Stats] holds exactly when nothing is in motion and after a stop.
//  5. A stop of Workers or of a Batcher returns before the deadline of its
//     context, even when a handler ignores its own.
//  6. A handler that panics or calls runtime.Goexit costs one attempt and no
//     worker.
//  7. No user code is called while a lock is held, and no method of an error, a
//     context or a log handler.
//
// # Shutdown
//
// Stop closes the queue, drains it until shortly before the deadline, cancels
// the handlers with a cause, and hands what is left to OnLeftover, which has a
// reserve of the time for that. An Enqueue that waits with the context of a service
// ends as soon as its host is asked to stop; see [Queue.Enqueue]. Each item is
// left over at most once; one whose handler returns at the very moment when the
// stop gives up on it may have been handled nevertheless. Register
// consumers before their producers, or let the producers depend on them, so that
// a host stops the producers first.
//
// # Cost
//
// A queue has no goroutine; Workers and a Batcher have one beside the ones that
// handle. Enqueue, Dequeue and a handled item allocate nothing. The clock is read
// for one slot in 64. An attempt with a Timeout allocates its context, a failed
// one its place among the parked, and a batch its slice. Workers whose handlers
// take microseconds take up to 16 items at a time, so that submitting and running
// an item costs about what a channel with goroutines behind it does, or less.
// With Key every item passes a lock that all workers share, several times, and
// one worker at a time takes items: that shows unless handlers take tens of
// microseconds.
//
// An item is copied into the queue while no other producer can enqueue, and out
// of it while no other consumer can dequeue. A goroutine that loses its processor
// in these nanoseconds, to the operating system mostly, holds up all others of
// its side until it runs again, for as long as a time slice of the system lasts:
// milliseconds. They yield, and then sleep 20 microseconds at a time; their
// contexts are not looked at meanwhile. The other side goes on with what is
// there. Put a pointer into the queue when items are large.
//
// # Testing
//
// Everything works inside a testing/synctest bubble: all waits are durably
// blocking, and retries, timeouts and stops follow the fake clock.
//
// # Not for
//
// Work that must survive the process, or be shared between machines: the items
// are in memory. Broadcast: each item goes to one consumer.
package channelq
