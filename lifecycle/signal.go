package lifecycle

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// SignalError says that a signal asked the program to stop. It is the
// [context.Cause] of a context made by [SignalContext].
type SignalError struct{ Signal os.Signal }

// Error returns the signal's name and " signal received".
func (e *SignalError) Error() string { return e.Signal.String() + " signal received" }

// ExitCode is what a program that was forced to end by this signal exits with:
// 128 plus the signal's number, as shells report it.
func (e *SignalError) ExitCode() int {
	if n, ok := e.Signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

// StopSignals are the signals by which a terminal, Docker, Kubernetes and
// systemd ask a program to end: SIGINT and SIGTERM. On Windows the first is
// Ctrl-C.
func StopSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// SignalContext returns a context that ends when one of the signals arrives,
// when parent ends, or when the returned function is called. None given means
// [StopSignals]. If a signal ended it, [context.Cause] is a *[SignalError].
//
// While it is registered the signals do not have their default action, also
// after the first one arrived: a second Ctrl-C does nothing. Calling the
// returned function restores the default action; it may be called more than
// once and from any goroutine.
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
