package lifecycle

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// SignalError is the [context.Cause] of a context of [SignalContext] that a signal has
// canceled.
type SignalError struct{ Signal os.Signal }

// Error returns the name of the signal and " signal received".
func (e *SignalError) Error() string { return e.Signal.String() + " signal received" }

// ExitCode returns the exit code of a program that this signal forced to end: 128 plus
// the number of the signal, as shells report it.
func (e *SignalError) ExitCode() int {
	if n, ok := e.Signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

// StopSignals returns SIGINT and SIGTERM, the signals by which a terminal, Docker,
// Kubernetes and systemd stop a program. On Windows, SIGINT is Ctrl-C.
func StopSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// SignalContext returns a context that is canceled when one of the signals arrives, when
// parent is done, or when the returned function is called. If there are no signals,
// [StopSignals] is used. If a signal canceled the context, [context.Cause] returns a
// *[SignalError].
//
// Until the returned function is called, the signals do not have their default action,
// also after the first signal: a second Ctrl-C does nothing. The function restores the
// default action. It may be called more than once and is safe for concurrent use.
func SignalContext(parent context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	if len(signals) == 0 {
		signals = StopSignals()
	}
	ctx, cancel := context.WithCancelCause(parent)
	received := make(chan os.Signal, 1)
	signal.Notify(received, signals...)
	go func() {
		select {
		case s := <-received:
			cancel(&SignalError{Signal: s})
		case <-ctx.Done():
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(received)
		cancel(context.Canceled)
	})
}
