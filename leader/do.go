package leader

import (
	"context"
	"errors"
	"fmt"
)

// Do runs work while no other process runs work under the same key of the same
// store. It waits until the lease is free or ctx ends: the error then wraps
// ctx.Err(), its cause, and what the store last failed with. A store that cannot
// be reached is asked again until then.
//
// While work runs its lease is renewed, however long it takes. If the lease is
// lost, the context of work ends with a cause that wraps [ErrLost] and says why,
// early enough for work to return before another begins. Do returns when work has
// returned, and only then is the lease given back, also if work panics. The error
// is that of work; if the lease was lost meanwhile it wraps ErrLost too, even if
// work returned nil.
//
// key is as Config.Group. An error about it, about the store, work or an option
// comes before anything is asked. Work that calls Do with the same key waits for
// itself.
func Do(ctx context.Context, store Store, key string, work func(ctx context.Context, fence int64) error, opts ...Option) error {
	l, err := leaseFor(store, key, work, opts)
	if err != nil {
		return err
	}
	t, err := l.campaign(ctx, ctx, func(err error) {
		if err != nil {
			l.log.Warn("lease cannot be asked for", "group", key, "error", err)
		}
	})
	if err != nil {
		return fmt.Errorf("stead/leader: do %q: %w", key, err)
	}
	return t.run(work)
}

// TryDo is [Do] without waiting: if another process holds the lease the error
// wraps [ErrHeld], and if the store cannot be asked it says so.
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

// run calls work on the caller's goroutine. A panic goes on to the caller, as
// with a mutex and a deferred Unlock.
func (t *term) run(work func(ctx context.Context, fence int64) error) (err error) {
	defer func() {
		lost := t.settle()
		t.giveBack()
		if lost != nil && !errors.Is(err, ErrLost) {
			err = join(err, lost)
		}
	}()
	return work(t.ctx, t.fence)
}

// join puts the error of the work first: that is what the caller looks for.
func join(err, lost error) error {
	if err == nil {
		return lost
	}
	return fmt.Errorf("%w (%w)", err, lost)
}

// leaseFor checks all that Do and TryDo are given, before anything is asked.
func leaseFor(store Store, key string, work func(context.Context, int64) error, opts []Option) (*lease, error) {
	if work == nil { // before a lease is taken for it
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

// Option changes a default of [Do] and [TryDo]. A nil one is an error; of several
// the last one counts. [With] makes it.
type Option interface{ apply(cfg *Config) }

type option func(cfg *Config)

func (o option) apply(cfg *Config) { o(cfg) }

// With takes all that a [Config] says except its Group, which is the key, and its
// Grace: Do waits for its work as long as that takes. A field that is zero has its
// default.
func With(cfg Config) Option {
	return option(func(c *Config) {
		key := c.Group
		*c = cfg
		c.Group = key
	})
}
