// Package sqlite keeps durable jobs in one SQLite file: no server, one machine.
//
// # Usage
//
//	store, err := sqlite.Open("jobs.db")
//	host.Add("store", hosted.Closer(store)) // or store.Close when all has stopped
//	err = durable.Migrate(ctx, store)
//	jobs, err := durable.New(store, durable.Config{})
//
// Tables of the program's own may be in the same file, see [Store.DB]: then what a
// handler or a request writes and the jobs that follow are one transaction.
//
//	tx, err := store.DB().BeginTx(ctx, nil)
//	_, err = tx.ExecContext(ctx, "INSERT INTO orders ...")
//	_, err = durable.EnqueueTx(ctx, tx, mails, mail)
//	err = tx.Commit()
//
// # One library
//
// A process must not open the file with a second copy of the SQLite library as well:
// mattn/go-sqlite3 or another driver with cgo beside this one, which is
// modernc.org/sqlite. The locks of a file belong to the process, so the copies do not
// see each other's, and destroy the file within seconds. [Open] refuses a file that is
// open already, where the system tells (Linux). It cannot know who opens the file later.
// A program with a database of its own gives that to durable/sqlitedb, whatever its
// driver. Other processes may use any driver.
//
// # Guarantees
//
//  1. What Enqueue accepted is on the disk: the file is in WAL mode with
//     synchronous=FULL.
//  2. Several processes of one machine may use the file. A statement that finds it
//     locked waits up to 5 s for it. That is not yet how long a call takes: before
//     it, the call waits for the one connection of its process, behind calls that wait
//     for the file too. A deadline of the context bounds both.
//  3. EnqueueAll gives others their turn; a transaction, also that of EnqueueAllTx, keeps
//     all others from writing as long as it is open.
//  4. A full disk is an error of Enqueue and harms nothing; work goes on when there
//     is room again.
//
// # Shutdown
//
// Close the store when the jobs have stopped: added to the host before them with
// hosted.Closer, it is closed after them. What a killed process had begun is
// repaired by SQLite when the file is opened next, and its jobs are rescued.
//
// # Cost
//
// One connection, because SQLite has one writer: with more, writers starve each
// other. While a transaction is open, every other use of the store in this process
// waits for it; inside it use only EnqueueTx. An insert is about 0.6 ms on a
// solid-state disk. How many jobs a second that comes to is measured in
// docs/internals/performance-durable.md.
// Every process that works looks for announcements in the file twenty times a second.
//
// # Testing
//
// A file in t.TempDir() needs no server and takes milliseconds to migrate. Set a
// short PollInterval. A handler alone is tested with durable/durabletest.
//
// # Not for
//
// Network file systems, on which WAL does not work, and many machines: see
// durable/postgres.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	moderncsqlite "modernc.org/sqlite" // also the driver "sqlite" of database/sql
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlitedb"
)

// Store is a SQLite file. Make it with [Open]; all methods may be called from any
// goroutine. DB is the file as a database, for tables of the program's own that share
// transactions with EnqueueTx.
type Store struct {
	*sqlitedb.Store

	path    string
	release func()
}

var _ durable.Store[*sql.Tx] = (*Store)(nil)

// Open opens or creates the file, in a directory that exists. An in-memory database
// is refused: it would be gone with the process, for which channelq is made. So is a
// file that this process has open otherwise, see above. While other processes open or
// close the file it waits for them, at most 5 s.
func Open(path string, opts ...Option) (*Store, error) {
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, errors.New("stead/durable/sqlite: open: the path has to name a file")
	}
	s, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlite: open %q: %w", path, err)
	}
	return s, nil
}

func open(path string, opts []Option) (*Store, error) {
	o, err := collect(opts)
	if err != nil {
		return nil, err
	}
	// SQLite says only that it cannot open the file.
	if dir := filepath.Dir(path); path != dir {
		if info, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("the directory: %w", err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("%q is not a directory", dir)
		}
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, errors.New("it is a directory")
	}
	if err := heldOtherwise(path); err != nil {
		return nil, err
	}
	defer opening()()
	db, err := sql.Open("sqlite", dataSource(path, o.pragmas))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &Store{path: path}
	if err = connect(db, o.pragmas); err == nil {
		s.Store, err = sqlitedb.Wrap(db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.release = hold(file)
	return s, nil
}

// dataSource escapes the path because the file part of the name is read as a URI, in
// which a question mark or a percent sign means something.
func dataSource(path string, pragmas []pragma) string {
	var name strings.Builder
	name.WriteString("file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(full)&_txlock=immediate")
	for _, p := range pragmas {
		name.WriteString("&_pragma=" + p.name + "(" + p.value + ")")
	}
	return name.String()
}

// connect opens the connection. The file enters WAL mode when the first one opens
// it and leaves it when the last one closes it. A process that meets another one at that
// gets the error at once that the file is locked: the busy timeout does not cover it.
func connect(db *sql.DB, pragmas []pragma) error {
	const patience, pause = 5 * time.Second, 5 * time.Millisecond
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := known(db, pragmas)
		var refused *moderncsqlite.Error
		if !errors.As(err, &refused) || refused.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(end) {
			return err
		}
	}
}

// known returns an error if SQLite does not know one of the pragmas: it ignores it.
func known(db *sql.DB, pragmas []pragma) error {
	if err := db.PingContext(context.Background()); err != nil {
		return err
	}
	for _, p := range pragmas {
		var n int
		if err := db.QueryRowContext(context.Background(), "SELECT count(*) FROM pragma_pragma_list WHERE name = lower(?)", p.name).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("SQLite knows no pragma %s", p.name)
		}
	}
	return nil
}

// String returns the path as it was given to Open, for logs.
func (s *Store) String() string { return s.path }

// Close closes the file. Stop the jobs first.
func (s *Store) Close() error {
	err := s.DB().Close()
	s.release()
	return err
}
