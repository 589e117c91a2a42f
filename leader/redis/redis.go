// Package redis stores the leases of package leader in Redis, or in a server that
// speaks its protocol and runs its scripts.
//
// # Usage
//
//	store, err := redis.Open("redis://cache:6379/0") // or redis.Wrap(client)
//	defer store.Close()
//	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//
// "newsletter" is the key of the lease. An elector acquires, renews and releases
// it, and so do leader.Do and leader.TryDo. Redis needs no preparation: there is no
// schema.
//
// # Guarantees
//
//  1. Each operation is one script, so it is atomic.
//  2. Only the clock of Redis counts, not those of the candidates.
//  3. A fence is the larger of one more than the last and the time of the server in
//     milliseconds. So it rises even if Redis lost all its data by a restart
//     without persistence or FLUSHALL.
//
// # Cost
//
// One round trip for each attempt, renewal and release, and two short keys for each
// lease: "stead:lease:{KEY}" while it is held and "stead:fence:{KEY}" for a day
// after the last term. The scripts are sent once and then called by their digest.
//
// # Testing
//
// Package leadertest has a store in memory for programs that use this one. The
// tests of this package run against a real server if STEAD_TEST_REDIS names one,
// and otherwise against miniredis.
//
// # Not for
//
// Redis replicates asynchronously. A lease acquired just before a failover may be
// unknown to the new primary. Two processes then lead until the first one notices,
// at most a third of the TTL later. Let the receiver of writes check the fence, or
// use leader/postgres.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/leader"
)

// Store stores leases in one Redis. Use [Open] or [Wrap] to create it. It is safe
// for concurrent use.
type Store struct {
	client redis.Scripter
	close  func() error
}

var _ leader.Store = (*Store)(nil)

// Wrap returns a store that uses an existing client, of one server, a cluster, or
// one that sentinels name. Close leaves the client open. If client is nil, Wrap
// returns nil, which [leader.New] and [leader.Do] refuse.
//
// If ContextTimeoutEnabled is set in the options of the client, a call ends with
// its context. Otherwise the call is abandoned until the client's own timeouts.
// While its server is unreachable, the client logs that to the logger of go-redis,
// which is shared by all clients of a program and is stderr by default: see
// SetLogger there.
func Wrap(client redis.Scripter) *Store {
	if nils.Is(client) {
		return nil
	}
	return &Store{client, func() error { return nil }}
}

// Close closes the client of [Open] and its connections. Call it after the service
// of the elector has stopped. Later calls fail.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	return s.close()
}

// A client may send a script twice if the answer to the first was lost. A token
// that has the lease therefore acquires it again.
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

// An expired lease is not renewed, as its key is gone.
var renew = redis.NewScript(`
if redis.call('get', KEYS[1]) == ARGV[1] then
	return redis.call('pexpire', KEYS[1], ARGV[2])
end
return 0`)

// Only its own lease, because another process may have it by then.
var release = redis.NewScript(`
if redis.call('get', KEYS[1]) == ARGV[1] then
	return redis.call('del', KEYS[1])
end
return 0`)

// keys returns the keys of one lease. They have one hash tag, so that a cluster
// stores them on one node.
func keys(key string) []string {
	return []string{"stead:lease:{" + key + "}", "stead:fence:{" + key + "}"}
}

// millis rounds up: a lease must not expire before its holder expects it.
func millis(ttl time.Duration) int64 { return (ttl + time.Millisecond - 1).Milliseconds() }

// Acquire acquires the lease if it is free. See [leader.Store].
func (s *Store) Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error) {
	fence, err = s.run(ctx, acquire, keys(key), token, millis(ttl))
	return fence, fence > 0, err
}

// Renew extends the lease if token holds it. See [leader.Store].
func (s *Store) Renew(ctx context.Context, key, token string, ttl time.Duration) (bool, error) {
	n, err := s.run(ctx, renew, keys(key)[:1], token, millis(ttl))
	return n > 0, err
}

// Release frees the lease if token holds it. See [leader.Store].
func (s *Store) Release(ctx context.Context, key, token string) error {
	_, err := s.run(ctx, release, keys(key)[:1], token)
	return err
}

// run calls a script. If ctx is done the error says so, whatever error the client
// returned, because the next step of the caller depends on that.
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
