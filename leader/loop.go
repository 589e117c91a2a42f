package leader

import (
	"context"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// loop is the inner service of [Loop] for one term. Unlike hosted.Loop it keeps the
// context of Start, which is that of the term and is canceled with the cause of the
// loss.
type loop struct {
	run    func(ctx context.Context) error
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error
}

// Start runs the function on a goroutine of its own and does not wait, because the
// lease is held already and the function is the work.
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

// Stop returns when the function returns or ctx is done. In the second case the
// caller waits on Done until the grace period has ended.
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

// Err must be called only after Done is closed.
func (l *loop) Err() error { return l.err }

// isCancel reports whether err says no more than that a context was canceled with
// cause. errors.Is would also report that for an error joined with the cause, and
// that error would be lost.
func isCancel(err, cause error) bool {
	if err == nil || err == context.Canceled || err == cause { //nolint:errorlint // compares identity
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
