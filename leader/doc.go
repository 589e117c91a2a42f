// Package leader lets one process of many do a thing at a time: a service that
// runs only where the lead is, or a critical section. The lease is kept in
// PostgreSQL or Redis; see leader/postgres and leader/redis.
//
// # Usage
//
//	store, err := postgres.Open(ctx, "postgres://app@db/app")
//	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//	host.Add("newsletter", leader.Loop(elector, send))            // a function
//	host.Add("billing", leader.Only(billing, func() (hosted.Service, error) {
//		return periodic.New(periodic.Config{...}, bill)           // or any service, made anew for each term
//	}))
//
//	err = leader.Do(ctx, store, "invoice-42", func(ctx context.Context, fence int64) error { ... })
//
// No lease can keep a process from acting that was stopped, swapped out or
// suspended just before it acts: it finds out too late. What is written to can. Keep
// the highest fence there, and refuse lower ones in the statement that writes:
//
//	UPDATE outbox SET sent = sent + 1, fence = $1 WHERE id = $2 AND fence <= $1
//
// with [Fence] as $1. No row updated: this process no longer leads.
//
// # Guarantees
//
//  1. At most one process of a group is told at any moment that it may work, as
//     long as the store forgets no lease and clocks run at one speed: a lease is
//     trusted for TTL less Margin, counted on the monotonic clock from before the
//     request for it was sent. Setting a wall clock changes nothing.
//  2. If the lease cannot be renewed, the work's context ends before the lease
//     does, also while the log blocks, with a cause that wraps [ErrLost] and says why. Renewals are tried
//     every third of the TTL, more often after a failure; a failed one is no loss.
//  3. If the store has forgotten the lease, the work's context ends at the next
//     renewal. Until then there may be two leaders.
//  4. Fences rise from term to term, also when the store lost all it knew.
//  5. The lease is given back only when the work has returned, and only if it is
//     still that term's: a late release takes nothing from anybody.
//  6. While work of a lost term has not returned this process does not stand
//     again. It is reported, and after the Grace the service fails.
//  7. A wait that is cancelled leaves no lease behind.
//  8. Every change of the lead is logged and counted. An outage of the
//     store, in which nobody comes to lead, is logged when it begins and ends, and
//     Stats says since when it lasts. Packages dashboard and metrics show both.
//
// # Shutdown
//
// Stop ends the inner service first, with the deadline of the host, waits for its
// work, and then gives the lead back. The next leader begins within its Retry, by
// default within 750 ms. Without a stop, as after kill -9, it begins when the lease
// ends: within TTL and Retry.
//
// # Cost
//
// A leader sends a request every third of the TTL, a follower one every Retry. An
// elector is one goroutine, a term is three more.
//
// # Testing
//
// leader/leadertest has a store in memory that works in a bubble of
// testing/synctest, loses leases and fails when told to, and a check for stores.
//
// # Not for
//
// Jobs that may run anywhere: let all processes take them from a durable queue.
// Schedules of package durable: they are one job for all processes already. A
// lease for every item of thousands: lock its row instead. Keeping a program that
// sleeps through its lease from writing: that takes the fence.
package leader
