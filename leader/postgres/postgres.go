// Package postgres stores the leases of package leader in a table of PostgreSQL.
//
// # Usage
//
//	store, err := postgres.Open(ctx, "postgres://app@db/app") // or postgres.Wrap(pool)
//	defer store.Close()
//	err = store.Migrate(ctx) // or put postgres.Schema into your own migrations
//	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//
// "newsletter" is the key of the lease. An elector acquires, renews and releases
// it, and so do leader.Do and leader.TryDo.
//
// # Guarantees
//
//  1. Each operation is one statement in a transaction of its own, and uses a
//     connection no longer than that. Nothing depends on a session, such as an
//     advisory lock or LISTEN, so poolers in transaction mode work.
//  2. Only the clock of the server counts, not those of the candidates.
//  3. The statement that acquires the lease raises its fence to the larger of one
//     more than the last and the time of the server in milliseconds. So it rises
//     even if the row was deleted.
//
// # Cost
//
// One round trip for each attempt, renewal and release. An attempt that finds the
// lease held reads one row by its key; the other operations write it. The table has
// one row for each key ever used. Old rows may be deleted at any time:
//
//	DELETE FROM stead_lease WHERE expires_at < now() - interval '1 day'
//
// # Testing
//
// Package leadertest has a store in memory for programs that use this one. The
// tests of this package run if STEAD_TEST_POSTGRES has the URL of a server, and are
// skipped otherwise.
//
// # Not for
//
// A primary that is replaced by an asynchronous replica may restore an older lease.
// Two processes then lead until the first one notices, at most a third of the TTL
// later. Let the receiver of writes check the fence.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/leader"
)

// Schema creates the table of the leases if it does not exist. It is one migration,
// for a migration tool to run unchanged.
const Schema = `CREATE TABLE IF NOT EXISTS stead_lease (
	key        text PRIMARY KEY,
	token      text NOT NULL,
	fence      bigint NOT NULL,
	expires_at timestamptz NOT NULL
)`

// Store stores leases in one database. Use [Open] or [Wrap] to create it. It is
// safe for concurrent use.
type Store struct {
	pool  *pgxpool.Pool
	close func()
}

var _ leader.Store = (*Store)(nil)

// Open creates a store with a pool for a URL
// (postgres://user:password@host:5432/database) or a keyword string (host=...
// dbname=...). Missing settings come from the environment, as with psql. Open does
// not connect, so an unreachable server is not an error. It returns an error if url
// is invalid. The caller must close the store.
func Open(ctx context.Context, url string) (*Store, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("stead/leader/postgres: open: %w", err)
	}
	return &Store{pool, pool.Close}, nil
}

// Wrap returns a store that uses an existing pool. Close leaves the pool open. If
// the work of the leader uses all connections for longer than the lease lasts, the
// lead is lost. Give the pool one more connection than the work needs, or open a
// pool for the leases. If pool is nil, Wrap returns nil, which [leader.New] and
// [leader.Do] refuse.
func Wrap(pool *pgxpool.Pool) *Store {
	if pool == nil {
		return nil
	}
	return &Store{pool, func() {}}
}

// Close closes the pool of [Open] and blocks until its connections are returned.
// Call it after the service of the elector has stopped. Later calls fail. Close
// returns nil.
func (s *Store) Close() error {
	if s != nil {
		s.close()
	}
	return nil
}

// Migrate creates the table if it does not exist. Any number of processes may call
// it at the same time.
func (s *Store) Migrate(ctx context.Context) error {
	if s == nil {
		return errors.New("stead/leader/postgres: migrate: the store is nil")
	}
	// CREATE TABLE IF NOT EXISTS fails if two processes find the table missing. These two
	// statements are one transaction, with which the lock ends, so it works with a pooler.
	_, err := s.pool.Exec(ctx, `SELECT pg_advisory_xact_lock(7598807758576447860); `+Schema, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("stead/leader/postgres: migrate: %w", err)
	}
	return nil
}

// The condition of the SELECT keeps failed attempts from writing: a conflict, even one
// that changes nothing, locks the row on disk. The condition of the UPDATE decides,
// because it is evaluated on the newest row with the row locked.
//
// It uses clock_timestamp, because now() is the time at which the transaction began.
const acquire = `
INSERT INTO stead_lease AS l (key, token, fence, expires_at)
SELECT $1::text, $2::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, clock_timestamp() + make_interval(secs => $3::float8)
WHERE NOT EXISTS (SELECT FROM stead_lease WHERE key = $1::text AND token <> $2::text AND expires_at > clock_timestamp())
ON CONFLICT (key) DO UPDATE
	SET token = excluded.token, fence = greatest(l.fence + 1, excluded.fence), expires_at = excluded.expires_at
	WHERE l.token = excluded.token OR l.expires_at <= clock_timestamp()
RETURNING fence`

// An expired lease that no other process has acquired can still be renewed.
const renew = `
UPDATE stead_lease SET expires_at = clock_timestamp() + make_interval(secs => $3::float8)
WHERE key = $1::text AND token = $2::text`

// The row stays, for its fence.
const release = `
UPDATE stead_lease SET token = '', expires_at = '-infinity'
WHERE key = $1::text AND token = $2::text`

// exec is the extended protocol without named statements, which would belong to a
// session.
const exec = pgx.QueryExecModeExec

// Acquire acquires the lease if it is free. See [leader.Store].
func (s *Store) Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error) {
	err = s.pool.QueryRow(ctx, acquire, exec, key, token, ttl.Seconds()).Scan(&fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("stead/leader/postgres: acquire: %w", err)
	}
	return fence, true, nil
}

// Renew extends the lease if token holds it. See [leader.Store].
func (s *Store) Renew(ctx context.Context, key, token string, ttl time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, renew, exec, key, token, ttl.Seconds())
	if err != nil {
		return false, fmt.Errorf("stead/leader/postgres: renew: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Release frees the lease if token holds it. See [leader.Store].
func (s *Store) Release(ctx context.Context, key, token string) error {
	if _, err := s.pool.Exec(ctx, release, exec, key, token); err != nil {
		return fmt.Errorf("stead/leader/postgres: release: %w", err)
	}
	return nil
}
