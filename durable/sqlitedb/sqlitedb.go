// Package sqlitedb keeps durable jobs in a SQLite database that the program has opened
// with a driver of its choice. It imports no driver: durable/sqlite is the same with
// modernc.org/sqlite, which it opens itself.
//
// # Usage
//
// Use it when the program opens the same file itself, with whatever driver: one process
// must not open a file with two copies of the SQLite library. They do not see each
// other's locks, because those belong to the process, and destroy the file within
// seconds.
//
//	import _ "github.com/mattn/go-sqlite3"
//
//	db, err := sql.Open("sqlite3",
//		"file:app.db?_txlock=immediate&_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL")
//	db.SetMaxOpenConns(1)
//	store, err := sqlitedb.Wrap(db)
//	err = durable.Migrate(ctx, store)
//	jobs, err := durable.New(store, durable.Config{})
//
// With modernc.org/sqlite the parameters are
//
//	_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)
//
// The jobs may share their connection with the rest of the program, or have one of
// their own: a second sql.DB of the same driver and file. EnqueueTx takes the
// transactions of either.
//
// # Guarantees
//
// Those of durable/sqlite; [Wrap] checks what they depend on.
//
// # Shutdown
//
// The database stays the caller's, who closes it when the jobs have stopped.
//
// # Cost
//
// That of durable/sqlite, times what the driver makes of it.
//
// # Testing
//
// A file in t.TempDir(), as for durable/sqlite.
//
// # Not for
//
// Databases in memory, and files on other machines.
package sqlitedb

import (
	"database/sql"
	"os"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// Store is a SQLite database with jobs. Create it with [Wrap]. It is safe for concurrent
// use.
type Store struct {
	handle

	backend *backend
}

type handle = store.Handle[*sql.Tx]

// backend is the store as durable uses it.
type backend struct {
	path   string      // absolute, wherever the program goes
	opened os.FileInfo // of the file that was opened
	db     *sql.DB
	driver *seeing
}

var _ durable.Store[*sql.Tx] = (*Store)(nil)

// DB returns the database, to begin the transactions of EnqueueTx with.
func (s *Store) DB() *sql.DB { return s.backend.db }

// String returns the path of the file, for logs.
func (s *Store) String() string { return s.backend.path }

// Schema returns nothing: a file has one.
func (*backend) Schema() (string, error) { return "", nil }

// Driver returns River's driver.
func (s *backend) Driver() riverdriver.Driver[*sql.Tx] { return s.driver }

// Close does nothing and returns nil: the database is the caller's.
func (s *Store) Close() error { return nil }
