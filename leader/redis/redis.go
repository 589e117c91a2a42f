// Package redis keeps the leases of package leader in Redis, or in what speaks its
// protocol and runs its scripts.
//
// # Usage
//
//	store, err := redis.Open("redis://cache:6379/0") // or redis.Wrap(client)
//	defer store.Close()
//	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//
// "newsletter" is the key of the lease; an elector asks for it, keeps it and gives
// it back, and so do leader.Do and leader.TryDo. Nothing has to be made in Redis
// before: there is no schema.
//
// # Guarantees
//
//  1. Each operation is one script: it happens whole or not at all.
//  2. Only Redis's clock counts, those of the candidates do not.
//  3. A fence is the larger of one more than the last and the server's time in
//     milliseconds, so it rises also when Redis has lost all it knew, by a restart
//     without persistence or FLUSHALL.
//
// # Cost
//
// A round trip for each try, renewal and release, and two short keys for each
// lease, "stead:lease:{KEY}" while it is held and "stead:fence:{KEY}" for a day
// after the last term. The scripts are sent once and then called by their digest.
//
// # Testing
//
// Package leadertest has a store in memory for programs that use this one. What
// holds for Redis itself runs against a real server where STEAD_TEST_REDIS names
// one, and otherwise against miniredis.
//
// # Not for
//
// Redis replicates without waiting: a lease taken just before a failover may be
// unknown to the new primary, and two processes then lead until the first finds
// out, at most a third of the TTL later. Let what is written to check the fence,
// or use leader/postgres.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/steadgo/stead/leader"
)

// Store keeps leases in one Redis. Make it with [Open] or [Wrap]; all methods may
// be called from any goroutine.
type Store struct {
	client redis.Scripter
	close  func() error
}

var _ leader.Store = (*Store)(nil)

// Wrap uses a client that the program has already: of one server, a cluster, or
// one that sentinels name. Close leaves it open. It panics if client is nil.
//
// With ContextTimeoutEnabled in its options a call ends with its context; without,
// it is left behind until the client's own timeouts. While its server is away the
// client writes about it to the logger of go-redis, which is one for all clients of
// a program and stderr by default: see SetLogger there.
func Wrap(client redis.Scripter) *Store {
	if client == nil {
		panic("stead/leader/redis: Wrap: the client is nil")
	}
	return &Store{client, func() error { return nil }}
}

// Close closes the client of [Open] and its connections. Call it when the elector's
// service has stopped: what is asked later is an error.
func (s *Store) Close() error { return s.close() }

// A client may send a script twice, when the answer to the first was lost: what
// the token has already is given to it again.
var acquire = redis.NewScript(`
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then
	return 0
end
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local fence = math.max(tonumber(redis.call('get', KEYS[2]) or '0') + 1, now)
redis.call('set', KEYS[2], string.format('%.0f', fence), 'px', 86400000)
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return fence`)

// A lease that has ended is not renewed, as its key is gone.
var renew = redis.NewScript(`
if redis.call('get', KEYS[1]) == ARGV[1] then
	return redis.call('pexpire', KEYS[1], ARGV[2])
end
return 0`)

// Only its own: by then another may have the lease.
var release = redis.NewScript(`
if redis.call('get', KEYS[1]) == ARGV[1] then
	return redis.call('del', KEYS[1])
end
return 0`)

// keys of one lease have one hash tag, so that a cluster keeps them together.
func keys(key string) []string {
	return []string{"stead:lease:{" + key + "}", "stead:fence:{" + key + "}"}
}

// millis is rounded up: a lease must not end before whoever has it thinks so.
func millis(ttl time.Duration) int64 { return (ttl + time.Millisecond - 1).Milliseconds() }

// Acquire takes the lease if nobody has it. See [leader.Store].
func (s *Store) Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error) {
	fence, err = s.run(ctx, acquire, keys(key), token, millis(ttl))
	return fence, fence > 0, err
}

// Renew extends the lease if it is token's. See [leader.Store].
func (s *Store) Renew(ctx context.Context, key, token string, ttl time.Duration) (bool, error) {
	n, err := s.run(ctx, renew, keys(key)[:1], token, millis(ttl))
	return n > 0, err
}

// Release frees the lease if it is token's. See [leader.Store].
func (s *Store) Release(ctx context.Context, key, token string) error {
	_, err := s.run(ctx, release, keys(key)[:1], token)
	return err
}

// run calls a script. When the context has ended the error says so, whatever the
// client made of it: what the caller does next depends on that.
func (s *Store) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (int64, error) {
	n, err := script.Run(ctx, s.client, keys, args...).Int64()
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	if err != nil {
		return 0, fmt.Errorf("stead/leader/redis: %w", err)
	}
	return n, nil
}
