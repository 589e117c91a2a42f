package scope

import (
	"context"
	"errors"
	"fmt"

	"github.com/steadgo/stead/internal/guard"
)

// Open opens what one unit of work needs, and returns the function that closes it.
//
// end is called once with the outcome of the work: nil means keep (commit), an
// error means undo (roll back). The error of end is added to the outcome. end may
// be nil if there is nothing to close. If Open returns an error, neither the work
// nor end is called, so Open must clean up itself.
//
// ctx is the context of the work and may be done when end is called. A rollback
// that talks to a server should use [context.WithoutCancel] and a timeout of its
// own.
type Open[S any] func(ctx context.Context) (s S, end func(outcome error) error, err error)

// Handler returns a function that opens a scope for each item, calls handle with it
// and closes it. The returned function returns the error of open unchanged, or the
// errors of handle and of closing joined with errors.Join. It is safe for
// concurrent use if open and handle are. If one of them is nil, it returns an error.
func Handler[S, T any](open Open[S], handle func(ctx context.Context, s S, item T) error) func(ctx context.Context, item T) error {
	return func(ctx context.Context, item T) error {
		return within(ctx, open, handle == nil, func(s S) error { return handle(ctx, s, item) })
	}
}

// Run is [Handler] for work without an item: a run of a periodic job, a task of a
// host, or a round of a loop.
func Run[S any](open Open[S], run func(ctx context.Context, s S) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return within(ctx, open, run == nil, func(s S) error { return run(ctx, s) })
	}
}

func within[S any](ctx context.Context, open Open[S], noWork bool, work func(S) error) (err error) {
	if open == nil || noWork {
		return errors.New("stead/scope: open or the function to call is nil")
	}
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

// interrupted returns why ctx is done, with its cause if there is one.
func interrupted(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); err != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if err != nil {
		return fmt.Errorf("stead/scope: work returned after its context was canceled: %w", err)
	}
	return nil
}

// join keeps both errors. It returns one of them if the close function returned its
// argument, which is natural to write.
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
