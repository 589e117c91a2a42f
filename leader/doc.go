// Package leader lets one process of many do something at a time: run a service
// only where it leads, or enter a critical section. The lease is stored in
// PostgreSQL or Redis; see leader/postgres and leader/redis.
//
// # Usage
//
//	store, err := postgres.Open(ctx, "postgres://app@db/app")
//	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//	host.Add("newsletter", leader.Loop(elector, send))            // a function
//	host.Add("billing", leader.Only(billing, func() (hosted.Service, error) {
//		return periodic.New(periodic.Config{...}, bill)           // or any service, created for each term
//	}))
//
//	err = leader.Do(ctx, store, "invoice-42", func(ctx context.Context, fence int64) error { ... })
//
// No lease can stop a process from writing that was paused, swapped out or
// suspended just before the write: the process notices too late. The receiver of
// the write can. Store the highest fence there, and reject lower ones in the
// statement that writes:
//
//	UPDATE outbox SET sent = sent + 1, fence = $1 WHERE id = $2 AND fence <= $1
//
// with [Fence] as $1. If no row was updated, this process no longer leads.
//
// # Guarantees
//
//  1. At most one process of a group is told at any moment that it may work,
//     provided that the store forgets no lease and clocks run at one speed. A lease
//     is trusted for TTL less Margin, counted on the monotonic clock from before
//     its request was sent. Setting a wall clock changes nothing.
//  2. If the lease cannot be renewed, the context of the work is canceled before
//     the lease expires, even while the log blocks. The cause wraps [ErrLost] and
//     says why. Renewals are attempted every third of the TTL, more often after a
//     failure. A failed renewal is not a loss.
//  3. If the store has forgotten the lease, the context of the work is canceled at
//     the next renewal. Until then there may be two leaders.
//  4. Fences rise from term to term, even if the store lost all its data.
//  5. The lease is released only after the work has returned, and only if it still
//     belongs to that term. A late release affects no other process.
//  6. While the work of a lost term has not returned, this process is not a
//     candidate. The work is reported, and after the Grace the service fails.
//  7. A canceled wait leaves no lease behind.
//  8. Every change of leadership is logged and counted. An outage of the store,
//     during which no process can gain the lead, is logged when it begins and ends,
//     and Stats has its start. Packages dashboard and metrics show both.
//
// # Shutdown
//
// Stop stops the inner service first, with the deadline of the host, waits for its
// work, and then releases the lease. The next leader begins within its Retry, by
// default within 750 ms. Without a stop, as after kill -9, the next leader begins
// when the lease has expired: within TTL and Retry.
//
// # Cost
//
// A leader sends a request every third of the TTL, a follower one every Retry. An
// elector is one goroutine, a term three more.
//
// # Testing
//
// leader/leadertest has a store in memory that works in a testing/synctest bubble,
// loses leases and fails on request, and a conformance test for stores.
//
// # Not for
//
// Jobs that may run anywhere: let all processes take them from a durable queue.
// Schedules of package durable, which already run as one job for all processes. A
// lease for each of thousands of items: lock their rows instead. Stopping writes of
// a program that slept through its lease: that needs the fence.
package leader
