// Package lifecycle has the small words that every other package of Stead
// speaks: the states of a service, the three moments of a program's life, and
// what a signal or a panic looks like as an error.
//
// # Usage
//
// A [Lifetime] is handed out by a host. Code that is not a service itself uses
// it to learn when the program is up, when it begins to go down and when it is
// down, and to ask for a stop:
//
//	select {
//	case <-host.Lifetime().Started():
//	case <-ctx.Done():
//	}
//	host.Lifetime().Stop(errors.New("licence expired"))
//
// [SignalContext] gives a context that ends with the signal as its cause:
//
//	ctx, release := lifecycle.SignalContext(context.Background())
//	defer release()
//	err := host.Run(ctx) // context.Cause says which signal it was
//
// # Guarantees
//
//  1. The channels of a Lifetime close at most once, in the order Started,
//     Stopping, Stopped; Started stays open if the start failed.
//  2. The first cause of a stop is kept; later ones are ignored.
//  3. No signal handler is installed unless SignalContext is called, and none is
//     left after its release function returned.
//
// # Cost
//
// A SignalContext costs one goroutine until it ends. Everything else is a read
// of an atomic or of a channel.
//
// # Not for
//
// Starting and stopping things: that is package hosted.
package lifecycle
