package scope

import (
	"context"
	"errors"
	"fmt"

	"github.com/steadgo/stead/internal/guard"
)

// Open makes what one unit of work needs, and the function that ends it.
//
// The end function is called once with the outcome of the work: nil means keep
// (commit), an error means undo (roll back). Its own error is added to the
// outcome. It may be nil when there is nothing to close. If Open returns an
// error, neither the work nor end is called, so Open cleans up after itself.
//
// The context given to Open is that of the work and may be done by the time
// end is called: a rollback that talks to a server uses
// [context.WithoutCancel] and a timeout of its own.
type Open[S any] func(ctx context.Context) (s S, end func(outcome error) error, err error)

// Handler returns a function that opens a scope for each item, calls handle with
// it and closes it, as the package comment says. Its error is that of open,
// as it is; or that of handle and of closing, joined if there are both. It may
// be called concurrently if open and handle may.
func Handler[S, T any](open Open[S], handle func(ctx context.Context, s S, item T) error) func(ctx context.Context, item T) error {
	return func(ctx context.Context, item T) error {
		return within(ctx, open, func(s S) error { return handle(ctx, s, item) })
	}
}

// Run is [Handler] for work without an item: one run of a periodic job, a task
// of a host, one round of a loop.
func Run[S any](open Open[S], run func(ctx context.Context, s S) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return within(ctx, open, func(s S) error { return run(ctx, s) })
	}
}

func within[S any](ctx context.Context, open Open[S], work func(S) error) (err error) {
	s, end, err := open(ctx)
	if err != nil {
		return err
	}
	guard.Run(func() error {
		if err := work(s); err != nil {
			return err
		}
		return interrupted(ctx)
	}, func(outcome error) {
		err = outcome
		if end != nil {
			err = join(outcome, guard.Call(func() error { return end(outcome) }))
		}
	})
	return err
}

// interrupted is why a context is done, with the cause where there is one.
func interrupted(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); err != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if err != nil {
		return fmt.Errorf("stead/scope: work returned after its context ended: %w", err)
	}
	return nil
}

// join keeps both errors, and one of them if a close function handed its
// argument back, as it is natural to write.
func join(outcome, closing error) error {
	switch {
	case outcome == nil || closing != nil && errors.Is(closing, outcome):
		return closing
	case closing == nil:
		return outcome
	default:
		return errors.Join(outcome, closing)
	}
}
