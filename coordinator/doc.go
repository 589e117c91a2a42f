// Package coordinator lets parts of a program wait until other parts are ready,
// by name: the indexer waits for the file sync, the web server for the cache.
//
// # Usage
//
// Declare the names, mark each ready or failed, and wait:
//
//	c := coordinator.New()
//	_ = c.Register("sync")
//	go func() {
//		if err := firstSync(); err != nil {
//			_ = c.Fail("sync", err)
//			return
//		}
//		_ = c.Ready("sync")
//	}()
//	err := c.Wait(ctx, "sync")
//
// A part that has a name itself waits through [Coordinator.As], so that two
// parts waiting for each other are refused instead of hanging:
//
//	err := c.As("indexer").Wait(ctx, "sync", "schema")
//
// A host of package hosted has a Coordinator with all its services in it, marks
// them itself, and hands each service its Waiter by hosted.Coordinator(ctx).
//
// # Guarantees
//
//  1. A wait for a name that was never registered is [ErrUnknown], never a
//     success and never a hang: a misspelt name is found on the first run.
//  2. A wait returns nil when all its names are ready at the same time; one that was
//     ready and is no longer counts again.
//  3. Fail wakes everybody who waits for the name with that error, and a wait
//     that begins afterwards returns it at once, until Ready is called.
//  4. A wait that would close a cycle of members which are not ready is refused
//     at once with [ErrCycle] and the path; waits that were there before go on.
//     Only waits made through As take part, since of the others it is not known
//     who waits.
//  5. A wait that ends with its context says who was not ready, and the error
//     wraps both ctx.Err() and context.Cause(ctx).
//  6. If an outcome and the end of the context come at the same time, the
//     outcome is returned.
//
// # Cost
//
// A registered name is one map entry, marking it does not allocate, and nothing
// runs in the background. The map is made by the first Register and what waiting
// needs by the first wait, so an unused Coordinator costs nothing. Looking for a
// cycle visits the members the new wait leads to, through those that are
// themselves waiting, once each.
//
// # Testing
//
// Waits block on channels only, so they are durably blocking in a bubble of
// testing/synctest. [Coordinator.Status] says who waits for whom.
//
// # Not for
//
// Handing over data (use a channel), waiting again and again for the same thing
// (readiness is a state, not an event), and waiting across processes.
package coordinator
