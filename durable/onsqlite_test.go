//go:build !river51

package durable_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

func TestOnSQLite(t *testing.T) { suite(t, openSQLite) }

func openSQLite(t *testing.T) env[*sql.Tx] {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs 100%?.db")
	open := func(t *testing.T) *sqlite.Store {
		t.Helper()
		s, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
	s := open(t)
	must(t, durable.Migrate(t.Context(), s))
	return env[*sql.Tx]{
		store: s,
		begin: func(ctx context.Context) (*sql.Tx, error) { return s.DB().BeginTx(ctx, nil) },
		end: func(_ context.Context, tx *sql.Tx, commit bool) error {
			if commit {
				return tx.Commit()
			}
			return tx.Rollback()
		},
		exec: func(ctx context.Context, statement string) error {
			_, err := s.DB().ExecContext(ctx, statement)
			return err
		},
		age:   "UPDATE stead_instance SET seen = seen - 61000",
		again: func(t *testing.T) durable.Store[*sql.Tx] { t.Helper(); return open(t) },
	}
}
