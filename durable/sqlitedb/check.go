package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/steadgo/stead/durable"
)

// Present returns an error that wraps [durable.ErrDamaged] if the path does not name
// the file any more that was opened. Whatever is written then goes into a file that
// nobody finds. It costs a microsecond.
func (s *backend) Present() error {
	now, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("stead/durable/sqlitedb: %w: %q is gone", durable.ErrDamaged, s.path)
	case err != nil:
		return fmt.Errorf("stead/durable/sqlitedb: check: %w", err)
	case !os.SameFile(s.opened, now):
		return fmt.Errorf("stead/durable/sqlitedb: %w: %q is another file now", durable.ErrDamaged, s.path)
	}
	return nil
}

// Check is [Store.Present], and a statement.
func (s *backend) Check(ctx context.Context) error {
	if err := s.Present(); err != nil {
		return err
	}
	return damaged("check", s.exec(ctx, "check", "SELECT 1 FROM river_queue LIMIT 1"))
}

// Verify looks through the whole file with SQLite's quick_check, on a connection of
// its own: that one has nothing of the file in its memory, and keeps nobody waiting.
// The error for a damaged file wraps [durable.ErrDamaged].
func (s *backend) Verify(ctx context.Context) (err error) {
	db := s.beside("?mode=ro")
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "PRAGMA busy_timeout = 5000"); err != nil {
		return damaged("verify", err)
	}
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return damaged("verify", err)
	}
	if found != "ok" {
		return fmt.Errorf("stead/durable/sqlitedb: %w: %s", durable.ErrDamaged, found)
	}
	return nil
}

// damaged wraps what SQLite says of a file that it cannot make sense of.
func damaged(verb string, err error) error {
	if isDamage(err) {
		return fmt.Errorf("stead/durable/sqlitedb: %s: %w: %w", verb, durable.ErrDamaged, err)
	}
	return err
}
