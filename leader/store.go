package leader

import (
	"context"
	"errors"
	"time"
)

// Store stores leases: who may act under a key, until when by the clock of the
// store, and with which fence. leader/postgres and leader/redis have one each.
// leader/leadertest has one in memory and a conformance test.
//
// All methods must be safe for concurrent use. They should return soon after ctx is
// done. A call that does not is abandoned, and what it acquired is released when it
// returns. After an error the result in the store is unknown. A requested lease is
// then requested again with the same token, or released if it is no longer wanted.
// A held lease is trusted as long as the last confirmed renewal allows.
//
// key has the rules of [Config].Group. A token is text of at most 300 bytes without
// NUL. ttl is at least 30 ms.
type Store interface {
	// Acquire acquires the lease of key for token and ttl if it is free, and
	// reports whether it did. It succeeds if token already holds the lease, because
	// the answer to an earlier attempt may have been lost. fence is greater than
	// that of every earlier term of this key, even if the store has lost its data.
	Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error)
	// Renew extends the lease to ttl from now if token holds it, and reports
	// whether it does.
	Renew(ctx context.Context, key, token string, ttl time.Duration) (ok bool, err error)
	// Release frees the lease if token holds it, and otherwise does nothing.
	Release(ctx context.Context, key, token string) error
}

// ErrHeld is wrapped by the error of [TryDo] if another process holds the lease.
var ErrHeld = errors.New("held by another process")

// ErrLost is wrapped by the [context.Cause] of work whose lease was lost, together
// with the reason. It is also wrapped by the error of [Do] if that happened before
// the work returned.
var ErrLost = errors.New("the lease was lost")

var (
	errTaken = errors.New("the store says that it is no longer ours")
	errOver  = errors.New("the lease was released") // the cause of a context that is kept after its work returned
)
