package leader

import (
	"context"
	"errors"
	"time"
)

// Store keeps leases: who may act under a key, until when by the store's own
// clock, and under which number. leader/postgres and leader/redis have one each,
// and leader/leadertest one in memory and a check for one of your own.
//
// All methods are called from several goroutines. They should return soon after
// ctx ends; one that does not is left behind, and what it took is given back when
// it returns. An error means that it is not known what the store did: a lease that
// was asked for is then asked for again with the same token, or released if nobody
// asks any more, and one that is held is trusted for as long as the last renewal
// that was confirmed allows.
//
// key is as [Config].Group says, a token is text of at most 300 bytes without a NUL,
// and ttl is at least 30 ms.
type Store interface {
	// Acquire takes the lease of key for token and ttl if nobody has it, and
	// reports whether it did. It also does if token has it already: the answer to
	// an earlier try may have been lost. fence is greater than that of every term of this
	// key before, also when the store has lost what it knew.
	Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error)
	// Renew makes the lease last for ttl from now if it is token's, and reports
	// whether it is.
	Renew(ctx context.Context, key, token string, ttl time.Duration) (ok bool, err error)
	// Release frees the lease if it is token's, and otherwise does nothing.
	Release(ctx context.Context, key, token string) error
}

// ErrHeld is why [TryDo] did not do its work: another process holds the lease.
var ErrHeld = errors.New("held by another process")

// ErrLost is part of the [context.Cause] of work whose lease was lost, together
// with why, and of the error of [Do] if that happened before the work returned.
var ErrLost = errors.New("the lease was lost")

var (
	errTaken = errors.New("the store says that it is no longer ours")
	errOver  = errors.New("the lease was given back") // the cause for those who keep the context of work that is over
)
