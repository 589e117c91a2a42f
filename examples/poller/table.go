package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/steadgo/stead/durable/sqlite"
)

// task is a row: something to do when it is due.
type task struct {
	Key      string    `json:"key"` // chosen by the caller: asking twice is asking once
	Text     string    `json:"text"`
	Due      time.Time `json:"due"`      // when to do or retry it, or take it from a process that died; when it was done
	Attempts int       `json:"attempts"` // begun
	Done     bool      `json:"done"`
	Error    string    `json:"error,omitempty"` // of the last attempt
}

// table is the table of tasks, as a service: Start makes it, Stop closes the
// database. Times in it are milliseconds since 1970 by the clocks of the
// processes; clocks that differ by a good part of the lease break the claim.
type table struct {
	db     *sql.DB
	lock   string // before the table is made
	claims string // the statement of claim
	lease  time.Duration
}

func openTable(where string, lease time.Duration) (*table, error) {
	switch file, isFile := strings.CutPrefix(where, "sqlite:"); {
	case isFile && file != "":
		// Such a table needs the same settings.
		store, err := sqlite.Open(file)
		if err != nil {
			return nil, err
		}
		return &table{db: store.DB(), lease: lease, claims: claimFirst + claimThen}, nil
	case strings.HasPrefix(where, "postgres://"), strings.HasPrefix(where, "postgresql://"):
		db, err := sql.Open("pgx", where)
		return &table{
			db: db, lease: lease, claims: claimFirst + "FOR UPDATE SKIP LOCKED" + claimThen,
			// Two that create the same table at once disturb each other, in spite of
			// IF NOT EXISTS. The number only has to be the same for both.
			lock: "SELECT pg_advisory_xact_lock(7274)",
		}, err
	}
	return nil, errors.New("-store is sqlite:FILE or postgres://user@host/database")
}

const schema = `
CREATE TABLE IF NOT EXISTS tasks (
	key TEXT PRIMARY KEY, text TEXT NOT NULL, due_at BIGINT NOT NULL,
	attempts INT NOT NULL DEFAULT 0, done_at BIGINT NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS tasks_due ON tasks (due_at) WHERE done_at = 0`

// Start makes the table where there is none.
func (t *table) Start(ctx context.Context) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if t.lock != "" {
		if _, err := tx.ExecContext(ctx, t.lock); err != nil { //nolint:gosec // a constant of this file
			return fmt.Errorf("make the table: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("make the table: %w", err)
	}
	return tx.Commit()
}

// Stop closes the database.
func (t *table) Stop(context.Context) error { return t.db.Close() }

// add puts a task into the table and reports whether it is new. When it returns
// nil the task will be done, whatever happens to this process.
func (t *table) add(ctx context.Context, key, text string, due time.Time) (isNew bool, err error) {
	n, err := t.exec(ctx, `INSERT INTO tasks (key, text, due_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING`,
		key, text, due.UnixMilli())
	return n == 1, err
}

// Claiming is one statement, in which choosing a row and marking it cannot be
// separated. SQLite has one writer at a time. PostgreSQL locks each row as it is
// chosen, and skips a row that another process has locked rather than wait for it.
//
// The mark is the time at which the task is due again. So nothing has to be tidied
// up after a process that died: its tasks become due.
const (
	claimFirst = `
WITH chosen AS MATERIALIZED (
	SELECT key AS its_key FROM tasks WHERE done_at = 0 AND due_at <= $1 ORDER BY due_at LIMIT $2 `
	claimThen = `)
UPDATE tasks SET due_at = $3, attempts = attempts + 1 FROM chosen WHERE key = its_key
RETURNING key, text, attempts`
)

// claim takes at most n tasks that are due, for as long as the lease.
func (t *table) claim(ctx context.Context, n int) (claimed []task, err error) {
	now := time.Now()
	rows, err := t.db.QueryContext(ctx, t.claims, now.UnixMilli(), n, now.Add(t.lease).UnixMilli()) //nolint:gosec // made of constants of this file
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c task
		if err := rows.Scan(&c.Key, &c.Text, &c.Attempts); err != nil {
			return nil, fmt.Errorf("claim: %w", err)
		}
		claimed = append(claimed, c)
	}
	return claimed, rows.Err()
}

// errLost says that a task took longer than its lease, and another process has it.
var errLost = errors.New("the claim was lost")

// finish notes that a claimed task is done; why is empty, or says why nobody will
// try it again.
func (t *table) finish(ctx context.Context, c task, why string) error {
	return t.owned(ctx, c, `done_at = $3, due_at = $3, error = $4`, time.Now().UnixMilli(), why)
}

// retry makes a claimed task due again at a later time.
func (t *table) retry(ctx context.Context, c task, at time.Time, why string) error {
	return t.owned(ctx, c, `due_at = $3, error = $4`, at.UnixMilli(), why)
}

// giveBack undoes the claim of a task that was not begun.
func (t *table) giveBack(ctx context.Context, c task) error {
	return t.owned(ctx, c, `due_at = $3, attempts = attempts - 1`, time.Now().UnixMilli())
}

// owned changes a row if the claim still holds. The number of the attempt is the
// proof, because a later claim has raised it.
func (t *table) owned(ctx context.Context, c task, set string, args ...any) error {
	n, err := t.exec(ctx, `UPDATE tasks SET `+set+` WHERE key = $1 AND attempts = $2 AND done_at = 0`,
		append([]any{c.Key, c.Attempts}, args...)...)
	if err == nil && n == 0 {
		err = errLost
	}
	return err
}

func (t *table) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// list returns the last n tasks by when they are due.
func (t *table) list(ctx context.Context, n int) (list []task, err error) {
	rows, err := t.db.QueryContext(ctx, `SELECT key, text, due_at, attempts, done_at <> 0, error FROM tasks ORDER BY due_at DESC LIMIT $1`, n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list = []task{} // not nil: an empty list in JSON
	for rows.Next() {
		var one task
		var due int64
		if err := rows.Scan(&one.Key, &one.Text, &due, &one.Attempts, &one.Done, &one.Error); err != nil {
			return nil, err
		}
		one.Due = time.UnixMilli(due)
		list = append(list, one)
	}
	return list, rows.Err()
}
