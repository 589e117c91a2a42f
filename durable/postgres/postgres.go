// Package postgres keeps durable jobs in PostgreSQL: many processes on many
// machines, and transactions shared with the program's own tables.
//
// # Usage
//
//	store, err := postgres.Open(ctx, "postgres://app@db/app") // or postgres.Wrap(pool)
//	defer store.Close()
//	err = durable.Migrate(ctx, store)
//	jobs, err := durable.New(store, durable.Config{})
//
// Tables of the program's own in the same database share transactions with the
// jobs, see [Store.Pool]:
//
//	tx, err := store.Pool().Begin(ctx)
//	_, err = tx.Exec(ctx, "INSERT INTO orders ...")
//	_, err = durable.EnqueueTx(ctx, tx, mails, mail)
//	err = tx.Commit(ctx)
//
// # Guarantees
//
//  1. A job that was enqueued is announced to all processes, and begins within
//     some 50 ms where a worker is free. One that was enqueued in a transaction
//     begins after the commit.
//  2. The outcome of a handler that returned while the server was unreachable is written
//     when the server is back, as long as the process lives. A stop waits half a minute
//     for that, at most until its deadline; after that the rescue runs the job again.
//  3. All that is compared across machines is by the server's clock: when a job is
//     due, who is seen, who leads. Only the time of a retry, of durable.In and of a
//     schedule's slots is by the clock of the process that sets it.
//
// # Shutdown
//
// Close the store when the jobs have stopped: added to the host before them with
// hosted.Closer, it is closed after them. A pool of the program's own, see [Wrap], is
// closed by the program.
//
// # Cost
//
// A process that works keeps three connections of the pool for itself: to listen, to
// lead, and to fetch. Give the pool as many more as handlers use: the start warns if
// there are more handlers than that. An
// insert is about a millisecond; docs/internals/performance-durable.md has what was measured.
//
// # Testing
//
// Give each test a [Schema] of its own. What does not
// depend on the server is tested faster on durable/sqlite, and a handler alone with
// durable/durabletest.
//
// # Not for
//
// A pooler in transaction mode in front of the database: listening needs a session. The
// start finds that out and returns an error then.
package postgres

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// Store is a pool of connections to one database. Create it with [Open] or [Wrap]. It is
// safe for concurrent use.
type Store struct {
	handle

	pool   *pgxpool.Pool
	schema string
	close  func()
}

type handle = store.Handle[pgx.Tx]

// backend is the store as durable uses it.
type backend struct {
	pool   pool
	driver *riverpgxv5.Driver
	bad    error // an option of Wrap was
}

func newStore(p *pgxpool.Pool, b *backend, close func()) *Store {
	b.pool.Pool, b.driver = p, riverpgxv5.New(p)
	return &Store{store.NewHandle[pgx.Tx](b), p, b.pool.schema, close}
}

var _ durable.Store[pgx.Tx] = (*Store)(nil)

// leastConns is what the pool of [Open] has room for if the URL does not say: pgxpool's
// own four are gone with what the engine keeps. They are opened when they are needed.
const leastConns = 16

// Open makes a pool for the URL or keyword string, with the defaults of pgxpool but for
// at least 16 connections; pool_max_conns in the string is how many, and for all else
// see [Wrap]. It does not connect: the start of the jobs does. An error is one of the
// string or of an option, such as [Schema]. The caller closes the store.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	var b backend
	if err := b.with(opts); err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: open: %w", err)
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: open: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = max(cfg.MaxConns, leastConns)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: open: %w", err)
	}
	return newStore(pool, &b, pool.Close), nil
}

// Wrap returns a store that uses a pool of the program. Close leaves it open, and its
// connections stay as they are. If pool is nil, Wrap returns nil, which [durable.New] and
// [durable.Migrate] refuse. They also return what is wrong with an option, such as [Schema].
func Wrap(pool *pgxpool.Pool, opts ...Option) *Store {
	if pool == nil {
		return nil
	}
	var b backend
	if err := b.with(opts); err != nil {
		b.bad = fmt.Errorf("stead/durable/postgres: wrap: %w", err)
	}
	return newStore(pool, &b, func() {})
}

// Pool returns the pool, to begin the transactions of EnqueueTx with.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// String returns the host, port and name of the database, and the [Schema], for logs.
func (s *Store) String() string {
	c := s.pool.Config().ConnConfig
	where := fmt.Sprintf("%s/%s", net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), c.Database)
	if s.schema != "" {
		where += " schema " + s.schema
	}
	return where
}

// Driver returns River's driver.
func (s *backend) Driver() riverdriver.Driver[pgx.Tx] { return s.driver }

// Close closes the pool of [Open] and waits until its connections are released. Stop the
// jobs first. It returns nil.
func (s *Store) Close() error {
	if s != nil {
		s.close()
	}
	return nil
}

// Check asks the server whether it has River's tables.
func (s *backend) Check(ctx context.Context) error {
	return s.exec(ctx, "check", "SELECT 1 FROM river_queue LIMIT 1")
}
