// Package coordinator lets parts of a program wait by name until other parts are ready:
// the indexer waits for the file sync, the web server for the cache.
//
// # Usage
//
// Register the names, mark each as ready or failed, and wait:
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
// A part that has a name itself waits through [Coordinator.As], so that two parts that
// wait for each other get an error instead of a hang:
//
//	err := c.As("indexer").Wait(ctx, "sync", "schema")
//
// A host of package hosted has a Coordinator with all its services. It marks them itself,
// and hosted.Coordinator(ctx) returns the Waiter of a service.
//
// # Guarantees
//
//  1. A wait for a name that was never registered returns [ErrUnknown]. It never succeeds
//     and never hangs, so that a misspelled name is found on the first run.
//  2. A wait returns nil when all its names are ready at the same time. A member that was
//     ready and no longer is counts as not ready.
//  3. Fail wakes every wait for the name with the error. A wait that begins later returns
//     that error at once, until Ready is called.
//  4. A wait that would close a cycle of members that are not ready returns [ErrCycle]
//     with the path at once. Earlier waits continue. Only waits made through As take
//     part, because the Coordinator does not know the caller of the others.
//  5. A wait whose context is done returns an error that names the members that were not
//     ready and wraps both ctx.Err() and context.Cause(ctx).
//  6. If an outcome and the end of the context come at the same time, the wait returns
//     the outcome.
//
// # Cost
//
// A registered name is one map entry. Marking it does not allocate, and nothing runs in
// the background. The first Register creates the map, and the first wait what waiting
// needs, so an unused Coordinator costs nothing. The search for a cycle visits once each
// of the members that the new wait leads to, through members that are waiting themselves.
//
// # Testing
//
// Waits block on channels only, so they are durably blocking in a testing/synctest
// bubble. [Coordinator.Status] says who waits for whom.
//
// # Not for
//
// Passing data (use a channel), waiting repeatedly for the same thing (readiness is a
// state, not an event), and waiting across processes.
package coordinator
