package leader

import (
	"context"
	"errors"
	"fmt"
)

// Do calls work while no other process does so under the same key of the same
// store. It blocks until the lease is free, work has returned, or ctx is done
// before that. In the last case the error wraps ctx.Err(), its cause, and the last
// error of the store. An unreachable store is asked again until then.
//
// While work is running, its lease is renewed, however long that takes. If the
// lease is lost, the context of work is canceled early enough for work to return
// before another process begins. The cause wraps [ErrLost] and says why. Do returns
// after work has returned. Only then is the lease released, even if work panics. Do
// returns the error of work. If the lease was lost meanwhile, the error wraps
// ErrLost too, even if work returned nil.
//
// key has the rules of Config.Group. Do returns an error for an invalid key, store,
// work or option before it calls the store. Work that calls Do with the same key
// waits for itself.
func Do(ctx context.Context, store Store, key string, work func(ctx context.Context, fence int64) error, opts ...Option) error {
	l, err := leaseFor(store, key, work, opts)
	if err != nil {
		return err
	}
	t, err := l.campaign(ctx, ctx, func(err error) {
		if err != nil {
			l.log.Warn("lease cannot be requested", "group", key, "error", err)
		}
	})
	if err != nil {
		return fmt.Errorf("stead/leader: do %q: %w", key, err)
	}
	return t.run(work)
}

// TryDo is [Do] without waiting. The error wraps [ErrHeld] if another process holds
// the lease, and the error of the store if the store fails.
func TryDo(ctx context.Context, store Store, key string, work func(ctx context.Context, fence int64) error, opts ...Option) error {
	l, err := leaseFor(store, key, work, opts)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stead/leader: do %q: %w", key, withCause(ctx, nil))
	}
	b := l.newBid()
	t, err := l.try(ctx, ctx, b)
	if err == nil && t == nil {
		err = ErrHeld
	}
	if err != nil {
		l.abandon(b)
		return fmt.Errorf("stead/leader: do %q: %w", key, err)
	}
	return t.run(work)
}

// run calls work on the goroutine of the caller. A panic reaches the caller, as
// with a mutex and a deferred Unlock.
func (t *term) run(work func(ctx context.Context, fence int64) error) (err error) {
	defer func() {
		lost := t.stopRenewal()
		t.release()
		if lost != nil && !errors.Is(err, ErrLost) {
			err = join(err, lost)
		}
	}()
	return work(t.ctx, t.fence)
}

// join puts the error of the work first, because callers look for it.
func join(err, lost error) error {
	if err == nil {
		return lost
	}
	return fmt.Errorf("%w (%w)", err, lost)
}

// leaseFor checks the arguments of Do and TryDo.
func leaseFor(store Store, key string, work func(context.Context, int64) error, opts []Option) (*lease, error) {
	if work == nil {
		return nil, fmt.Errorf("stead/leader: do %q: the function is nil", key)
	}
	cfg := Config{Group: key}
	for i, o := range opts {
		if o == nil {
			return nil, fmt.Errorf("stead/leader: do %q: option %d of %d is nil", key, i+1, len(opts))
		}
		o.apply(&cfg)
	}
	return newLease("do", "the key", store, cfg)
}

// Option changes a default of [Do] and [TryDo]. [With] creates one. If several are
// given, the last one counts. A nil Option is an error.
type Option interface{ apply(cfg *Config) }

type option func(cfg *Config)

func (o option) apply(cfg *Config) { o(cfg) }

// With returns an option with the values of cfg. Its Group is ignored, because the
// key replaces it, and so is its Grace, because Do waits for its work. A zero field
// has its default.
func With(cfg Config) Option {
	return option(func(c *Config) {
		key := c.Group
		*c = cfg
		c.Group = key
	})
}
