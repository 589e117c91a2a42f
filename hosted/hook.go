package hosted

import "context"

// The optional hooks; see Service.
type (
	startingHook interface {
		Starting(ctx context.Context) error
	}
	startedHook interface {
		Started(ctx context.Context) error
	}
	stoppingHook interface {
		Stopping(ctx context.Context) error
	}
	stoppedHook interface {
		Stopped(ctx context.Context) error
	}
)

// hook is one hook of one service; nil if it does not have it.
type hook func(ctx context.Context) error

func hookOf[T any](u *unit, method func(T, context.Context) error) hook {
	if u.loop != nil {
		return nil
	}
	s, ok := As[T](u.service)
	if !ok {
		return nil
	}
	return func(ctx context.Context) error { return method(s, ctx) }
}
