// Package scope gives every unit of work its own things: a transaction for each
// item of a queue, a connection for each run of a job. They are opened before the
// work, handed to it, and closed after it with its outcome.
//
// # Usage
//
// [Handler] makes a handler for a queue or a durable job out of one that needs
// something opened, [Run] does so for a periodic job, a task or a loop:
//
//	handle := scope.Handler(scope.Tx(db, nil),
//		func(ctx context.Context, tx *sql.Tx, order Order) error {
//			_, err := tx.ExecContext(ctx, "INSERT ...", order.ID)
//			return err // nil commits, everything else rolls back
//		})
//	workers, err := channelq.NewWorkers(orders, handle, channelq.WorkerConfig[Order]{})
//
// Anything else that has to be closed is an [Open] of your own.
//
// # Guarantees
//
//  1. What was opened is closed exactly once for each attempt, on the goroutine
//     of the work, before its handler returns: after an error, a panic, a
//     runtime.Goexit and a cancelled context too.
//  2. Only work that returned nil while its context was alive is closed with
//     nil. Work whose context ended counts as not done even if it returned nil:
//     whoever cancelled it has already been told so.
//  3. An error of the closing is an error of the work: an order that could not be
//     committed was not handled, and is tried again if its queue says so.
//  4. A panic in the work or in the closing becomes a *[lifecycle.PanicError].
//
// # Cost
//
// Tens of nanoseconds an attempt, beside what opening and closing cost.
//
// # Not for
//
// Things that live as long as the program; those are services. A scope inside a
// scope is two transactions, not a nested one. An error that means success, such
// as periodic.ErrAgain, is returned by a function around the scope: inside, it
// would roll back.
package scope
