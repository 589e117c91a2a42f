package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// wrapWait is for the statements of Wrap: longer than a busy file makes one wait.
const wrapWait = 10 * time.Second

// Wrap returns a store in a database that is open. It returns an error that says what
// to change unless db
//
//   - is in a file,
//   - has one connection (SetMaxOpenConns), because SQLite has one writer and with more
//     they starve each other,
//   - is in WAL mode with synchronous FULL or more, so that what was accepted survives a
//     power cut,
//   - waits for locks (busy_timeout), and
//   - begins transactions with BEGIN IMMEDIATE, because one that reads first and writes
//     then fails at once if another process wrote in between.
//
// It uses the connection and, for a moment, a second one of the same driver. The
// settings have to be those of every connection that db opens: give them to the driver
// with the name, not with a statement.
func Wrap(db *sql.DB) (*Store, error) {
	if db == nil {
		return nil, errors.New("stead/durable/sqlitedb: wrap: the database is nil")
	}
	ctx, cancel := context.WithTimeout(context.Background(), wrapWait)
	defer cancel()
	s := &backend{db: db}
	if err := s.look(ctx); err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: wrap: %w", err)
	}
	s.driver = newSeeing(db, s.path)
	return &Store{store.NewHandle[*sql.Tx](s), s}, nil
}

func (s *backend) look(ctx context.Context) (err error) {
	if s.db.Stats().MaxOpenConnections != 1 {
		return errors.New("the database may open more than one connection: call SetMaxOpenConns(1)")
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = conn.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&s.path)
	switch {
	case err != nil:
		return err
	case s.path == "":
		return errors.New("the database is in memory, and would be gone with the process: see channelq")
	}
	if s.opened, err = os.Stat(s.path); err != nil {
		return err
	}
	for _, pragma := range []struct {
		name string
		good func(string) bool
		want string
	}{
		{"journal_mode", func(v string) bool { return v == "wal" }, "WAL"},
		{"synchronous", func(v string) bool { return v == "2" || v == "3" }, "FULL"},
		{"busy_timeout", func(v string) bool { return v != "0" }, "5000"},
	} {
		var v string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma.name).Scan(&v); err != nil {
			return fmt.Errorf("%s: %w", pragma.name, err)
		}
		if !pragma.good(strings.ToLower(v)) {
			return fmt.Errorf("%s is %s: let the driver set it to %s for every connection", pragma.name, v, pragma.want)
		}
	}
	return s.lookAtBegin(ctx, conn)
}

// lookAtBegin returns an error if a transaction of conn lets another one write.
func (s *backend) lookAtBegin(ctx context.Context, conn *sql.Conn) (err error) {
	var wait int
	if err := conn.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&wait); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return err
	}
	defer func() {
		_, failed := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait))
		err = errors.Join(err, failed)
	}()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		if isLocked(err) { // by another process: only one that is immediate minds
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	other := s.beside("")
	defer func() { err = errors.Join(err, other.Close()) }()
	_, err = other.ExecContext(ctx, "PRAGMA busy_timeout = 0")
	if err != nil {
		return err
	}
	switch _, err = other.ExecContext(ctx, "BEGIN IMMEDIATE"); {
	case err == nil:
		_, err = other.ExecContext(ctx, "ROLLBACK")
		return errors.Join(errors.New("transactions do not begin with BEGIN IMMEDIATE: give the driver _txlock=immediate"), err)
	case isLocked(err):
		return nil
	}
	return err
}

// isLocked goes by SQLite's own text, which every driver has in its errors.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// isDamage reports whether SQLite cannot make sense of the file.
func isDamage(err error) bool {
	return err != nil && slices.ContainsFunc([]string{"database disk image is malformed", "file is not a database"},
		func(text string) bool { return strings.Contains(err.Error(), text) })
}

// beside is a second connection to the file by the same copy of the SQLite library: one
// of another copy would not see the locks of the first, and end them when it closes.
func (s *backend) beside(params string) *sql.DB {
	name := "file:" + (&url.URL{Path: s.path}).EscapedPath() + params
	db := sql.OpenDB(connector{s.db.Driver(), name})
	db.SetMaxOpenConns(1)
	return db
}
