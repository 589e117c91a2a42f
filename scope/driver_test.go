package scope_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"sync"
	"testing"
)

// ledger is a database that only writes down what it is told, and fails where it
// is asked to.
type ledger struct {
	mu                      sync.Mutex
	lines                   []string
	begin, commit, rollback error
}

func (l *ledger) write(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *ledger) want(t *testing.T, lines ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.lines, lines) {
		t.Errorf("the database saw %q, want %q", l.lines, lines)
	}
	l.lines = nil
}

func (l *ledger) open(t *testing.T) *sql.DB {
	db := sql.OpenDB(l)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// The rest is the least that database/sql asks of a driver.
func (l *ledger) Connect(context.Context) (driver.Conn, error) { return conn{l}, nil }
func (l *ledger) Driver() driver.Driver                        { return nil }

type conn struct{ *ledger }

func (c conn) Close() error                        { return nil }
func (c conn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c conn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }

func (c conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	c.write("begin")
	return tx(c), c.begin
}

func (c conn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	c.write(query)
	return driver.RowsAffected(1), nil
}

type tx struct{ *ledger }

func (t tx) Commit() error   { t.write("commit"); return t.commit }
func (t tx) Rollback() error { t.write("rollback"); return t.rollback }
