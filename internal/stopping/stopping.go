// Package stopping carries in a context that the host of a service was asked to
// stop. Work that only produces more work can then end at that moment, long before
// the turn of its service comes and its context is canceled.
//
// hosted puts it into the contexts of services, and channelq checks it when an
// Enqueue has to wait. Work that a stop must finish must not see it: handlers of a
// queue that is drained, and everything inside a Stop. See [Without].
package stopping

import (
	"context"
	"errors"
	"fmt"
)

// Err is wrapped by the error of a call that ended because the host is stopping.
var Err = errors.New("stead/hosted: the host is stopping")

// Key is the key of the context value: a context.Context that is done when the stop
// begins, with its cause, or nil. It is exported for contexts that return it from
// their own Value; all others use [From].
type Key struct{}

// With returns ctx with stop, which must be done when the stop begins, as the
// result of [From].
func With(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, Key{}, stop)
}

// Without returns ctx for work that is part of a stop: [From] returns nil for it.
func Without(ctx context.Context) context.Context {
	if stop, _ := ctx.Value(Key{}).(context.Context); stop == nil {
		return ctx
	}
	return context.WithValue(ctx, Key{}, context.Context(nil))
}

// From returns a context that is done when the stop of the host of ctx begins; its
// [context.Cause] says why. It returns nil if ctx does not come from a host, or if
// ctx is never canceled: the caller of context.WithoutCancel wants to finish.
func From(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return nil
	}
	stop, _ := ctx.Value(Key{}).(context.Context)
	return stop
}

// Error returns the error of a call that ended because stop was done. It wraps
// [Err] and the cause of the stop.
func Error(stop context.Context) error {
	return fmt.Errorf("%w: %w", Err, context.Cause(stop))
}
