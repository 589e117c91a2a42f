package leader

import (
	"context"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// loop is the inner service of [Loop], for one term. Unlike hosted.Loop it keeps
// the context of Start: that is the term's, which ends with the cause of the loss.
type loop struct {
	run    func(ctx context.Context) error
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error
}

// Start runs the function on a goroutine of its own and does not wait: the lease
// is ours already, and the function is the work.
func (l *loop) Start(ctx context.Context) error {
	l.done = make(chan struct{})
	ctx, l.cancel = context.WithCancelCause(ctx)
	go guard.Run(func() error { return l.run(ctx) }, func(err error) {
		if ctx.Err() == nil || !isCancel(err, context.Cause(ctx)) {
			l.err = err
		}
		close(l.done)
	})
	return nil
}

// Stop returns at ctx's end if the function does not: it is then asked for again
// by Done, until it is back or the grace is over.
func (l *loop) Stop(ctx context.Context) error {
	l.cancel(hosted.ErrStopping)
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *loop) Done() <-chan struct{} { return l.done }

// Err is asked after Done only.
func (l *loop) Err() error { return l.err }

// isCancel says whether err is no more than the news that a context ended with
// cause. errors.Is would also say so of an error that was joined with that news,
// which would then be lost.
func isCancel(err, cause error) bool {
	if err == nil || err == context.Canceled || err == cause { //nolint:errorlint // these very ones
		return true
	}
	switch w := err.(type) { //nolint:errorlint // this walks the tree itself
	case *lifecycle.PanicError:
		return false
	case interface{ Unwrap() error }:
		inner := w.Unwrap()
		return inner != nil && isCancel(inner, cause)
	case interface{ Unwrap() []error }:
		for _, part := range w.Unwrap() {
			if !isCancel(part, cause) {
				return false
			}
		}
		return len(w.Unwrap()) > 0
	default:
		return false
	}
}
