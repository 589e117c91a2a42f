// Package lifecycle has the types that every other package of Stead shares: the states of
// a service, the three moments in the life of a program, and the errors for a signal and
// a panic.
//
// # Usage
//
// A host returns its [Lifetime]. Code that is not a service uses it to learn when the
// program has started, is stopping and has stopped, and to request a stop:
//
//	select {
//	case <-host.Lifetime().Started():
//	case <-ctx.Done():
//	}
//	host.Lifetime().Stop(errors.New("license expired"))
//
// [SignalContext] returns a context with the signal as its cause:
//
//	ctx, release := lifecycle.SignalContext(context.Background())
//	defer release()
//	err := host.Run(ctx) // context.Cause says which signal it was
//
// # Guarantees
//
//  1. The channels of a Lifetime are closed at most once, in the order Started, Stopping,
//     Stopped. Started stays open if the start fails.
//  2. The first cause of a stop is kept. Later causes are ignored.
//  3. No signal handler is installed unless SignalContext is called, and none is left
//     after its release function has returned.
//
// # Cost
//
// A SignalContext costs one goroutine until it is done. Everything else reads an atomic
// or a channel.
//
// # Not for
//
// Starting and stopping things: that is package hosted.
package lifecycle
