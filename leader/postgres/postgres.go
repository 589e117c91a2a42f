// Package postgres keeps the leases of package leader in a table of PostgreSQL.
//
// # Usage
//
//	store, err := postgres.Open(ctx, "postgres://app@db/app") // or postgres.Wrap(pool)
//	defer store.Close()
//	err = store.Migrate(ctx) // or put postgres.Schema into your own migrations
//	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//
// "newsletter" is the key of the lease; an elector asks for it, keeps it and gives
// it back, and so do leader.Do and leader.TryDo.
//
// # Guarantees
//
//  1. Each operation is one statement in a transaction of its own, and takes a
//     connection no longer than that. Nothing depends on a session, no advisory
//     lock and no LISTEN: poolers in transaction mode are fine.
//  2. Only the server's clock counts, those of the candidates do not.
//  3. A fence is raised by the statement that takes the lease: the larger of one
//     more than the last and the server's time in milliseconds, so it rises also
//     when the row was deleted.
//
// # Cost
//
// A round trip for each try, renewal and release. A try that finds the lease held
// reads one row by its key; the others write it. The table has one row for each
// key there ever was, and old ones may be deleted at any time:
//
//	DELETE FROM stead_lease WHERE expires_at < now() - interval '1 day'
//
// # Testing
//
// Package leadertest has a store in memory for programs that use this one. What
// holds for PostgreSQL itself runs where STEAD_TEST_POSTGRES has the URL of a
// server, and is skipped elsewhere.
//
// # Not for
//
// A primary that is replaced by an asynchronous replica may bring an older lease
// back, and two processes then lead until the first finds out, at most a third of
// the TTL later. Let what is written to check the fence.
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

// Schema makes the table of the leases if it is not there. It is one migration, to
// be run as it is by a tool for migrations.
const Schema = `CREATE TABLE IF NOT EXISTS stead_lease (
	key        text PRIMARY KEY,
	token      text NOT NULL,
	fence      bigint NOT NULL,
	expires_at timestamptz NOT NULL
)`

// Store keeps leases in one database. Make it with [Open] or [Wrap]; all methods
// may be called from any goroutine.
type Store struct {
	pool  *pgxpool.Pool
	close func()
}

var _ leader.Store = (*Store)(nil)

// Open makes a pool for a URL (postgres://user:password@host:5432/database) or a
// keyword string (host=... dbname=...); what it leaves out comes from the
// environment, as with psql. It does not connect yet, so a server that is away is
// no error here. The caller closes the store.
func Open(ctx context.Context, url string) (*Store, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("stead/leader/postgres: open: %w", err)
	}
	return &Store{pool, pool.Close}, nil
}

// Wrap uses a pool that the program has already; Close leaves it open. When the
// work of the leader takes all connections for longer than the lease lasts, the
// lead is lost: give the pool one more than that, or open one for the leases. It
// panics if pool is nil.
func Wrap(pool *pgxpool.Pool) *Store {
	if pool == nil {
		panic("stead/leader/postgres: Wrap: the pool is nil")
	}
	return &Store{pool, func() {}}
}

// Close closes the pool of [Open] and waits until its connections are given back.
// Call it when the elector's service has stopped: what is asked later is an error.
// It returns nil.
func (s *Store) Close() error {
	s.close()
	return nil
}

// Migrate makes the table if it is not there. Any number of processes may do so at
// once.
func (s *Store) Migrate(ctx context.Context) error {
	// CREATE TABLE IF NOT EXISTS fails when two find it missing. The lock ends with
	// the transaction, which these two statements are, and so suits a pooler.
	_, err := s.pool.Exec(ctx, `SELECT pg_advisory_xact_lock(7598807758576447860); `+Schema, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("stead/leader/postgres: migrate: %w", err)
	}
	return nil
}

// The guard of the SELECT keeps those who only ask from writing: a conflict, even
// one that changes nothing, locks the row on disk. The guard of the UPDATE decides,
// as it is evaluated on the newest row with the row locked.
//
// clock_timestamp, as now() is the time at which the transaction began.
const acquire = `
INSERT INTO stead_lease AS l (key, token, fence, expires_at)
SELECT $1::text, $2::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, clock_timestamp() + make_interval(secs => $3::float8)
WHERE NOT EXISTS (SELECT FROM stead_lease WHERE key = $1::text AND token <> $2::text AND expires_at > clock_timestamp())
ON CONFLICT (key) DO UPDATE
	SET token = excluded.token, fence = greatest(l.fence + 1, excluded.fence), expires_at = excluded.expires_at
	WHERE l.token = excluded.token OR l.expires_at <= clock_timestamp()
RETURNING fence`

// A lease that is over but that nobody took is still its holder's to renew.
const renew = `
UPDATE stead_lease SET expires_at = clock_timestamp() + make_interval(secs => $3::float8)
WHERE key = $1::text AND token = $2::text`

// The row stays, for its fence.
const release = `
UPDATE stead_lease SET token = '', expires_at = '-infinity'
WHERE key = $1::text AND token = $2::text`

// exec is the extended protocol without named statements, which would belong to
// a session.
const exec = pgx.QueryExecModeExec

// Acquire takes the lease if nobody has it. See [leader.Store].
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

// Renew extends the lease if it is token's. See [leader.Store].
func (s *Store) Renew(ctx context.Context, key, token string, ttl time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, renew, exec, key, token, ttl.Seconds())
	if err != nil {
		return false, fmt.Errorf("stead/leader/postgres: renew: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Release frees the lease if it is token's. See [leader.Store].
func (s *Store) Release(ctx context.Context, key, token string) error {
	if _, err := s.pool.Exec(ctx, release, exec, key, token); err != nil {
		return fmt.Errorf("stead/leader/postgres: release: %w", err)
	}
	return nil
}
