// Package scope opens resources for one unit of work and closes them after it: a
// transaction for each item of a queue, or a connection for each run of a job. The
// close function receives the outcome of the work.
//
// # Usage
//
// [Handler] makes a handler for a queue or a durable job from a function that needs
// a resource. [Run] does the same for a periodic job, a task or a loop:
//
//	handle := scope.Handler(scope.Tx(db, nil),
//		func(ctx context.Context, tx *sql.Tx, order Order) error {
//			_, err := tx.ExecContext(ctx, "INSERT ...", order.ID)
//			return err // nil commits, everything else rolls back
//		})
//	workers, err := channelq.NewWorkers(orders, handle, channelq.WorkerConfig[Order]{})
//
// Write an [Open] of your own for anything else that must be closed.
//
// # Guarantees
//
//  1. Each resource is closed exactly once for each attempt, on the goroutine of
//     the work, before its handler returns. This includes an error, a panic, a
//     runtime.Goexit and a canceled context.
//  2. The close function receives nil only if the work returned nil while its
//     context was not done. Work whose context was canceled counts as failed even
//     if it returned nil, because the canceler was already told so.
//  3. An error of closing is an error of the work. An order that could not be
//     committed was not handled, and is retried if its queue says so.
//  4. A panic in the work or in closing becomes a *[lifecycle.PanicError].
//
// # Cost
//
// Tens of nanoseconds for each attempt, in addition to opening and closing.
//
// # Not for
//
// Resources that live as long as the program; those are services. A scope inside a
// scope is two transactions, not a nested one. An error that means success, such as
// periodic.ErrAgain, must be returned by a function around the scope. Inside the
// scope it would roll back.
package scope
