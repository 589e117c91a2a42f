// Package stopping carries in a context that the host of a service has been asked to
// stop, so that work that only produces more work can end at that moment, long
// before the turn of its service comes and its context ends.
//
// hosted puts it into the contexts that it gives to services, and channelq asks for
// it where an Enqueue has to wait. Work that a stop has to finish must not see it:
// handlers of a queue that is drained, and everything inside a Stop. See [Without].
package stopping

import (
	"context"
	"errors"
	"fmt"
)

// Err is in the error of a call that ended because the host is stopping.
var Err = errors.New("stead/hosted: the host is stopping")

// Key is the key of the context's value, which is a context.Context that is done
// when the stop begins, with its cause, or nil. It is exported for contexts that
// answer it without a value of their own for it; all others use [From].
type Key struct{}

// With returns ctx with what [From] returns: stop, which is done when the stop begins.
func With(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, Key{}, stop)
}

// Without returns ctx for work that is part of a stop: for it [From] returns nil.
func Without(ctx context.Context) context.Context {
	if stop, _ := ctx.Value(Key{}).(context.Context); stop == nil {
		return ctx
	}
	return context.WithValue(ctx, Key{}, context.Context(nil))
}

// From returns a context that is done when the stop of the host begins that ctx
// comes from; its [context.Cause] says why. It is nil if ctx comes from no host, and
// if ctx has no end at all: who took its end away, as context.WithoutCancel does,
// wants to finish.
func From(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return nil
	}
	stop, _ := ctx.Value(Key{}).(context.Context)
	return stop
}

// Error is what a call returns that ended because stop was done: it wraps [Err] and
// the cause of the stop.
func Error(stop context.Context) error {
	return fmt.Errorf("%w: %w", Err, context.Cause(stop))
}
