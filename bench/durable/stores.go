package durable

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
)

// Opened is a store, and River's own driver for the same database.
type Opened[TTx any] struct {
	Store  durable.Store[TTx]
	Driver riverdriver.Driver[TTx]
	Close  func() error
}

// SQLite opens a new file each time.
func SQLite(ctx context.Context) (o Opened[*sql.Tx], err error) {
	dir, err := os.MkdirTemp("", "stead-bench-")
	if err != nil {
		return o, err
	}
	s, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		return o, errors.Join(err, os.RemoveAll(dir))
	}
	shut := func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) }
	if err := durable.Migrate(ctx, s); err != nil {
		return o, errors.Join(err, shut())
	}
	return Opened[*sql.Tx]{s, riversqlite.New(s.DB()), shut}, nil
}

// Postgres makes a new schema of the database each time.
func Postgres(url string) func(ctx context.Context) (Opened[pgx.Tx], error) {
	return func(ctx context.Context) (o Opened[pgx.Tx], err error) {
		cfg, err := pgxpool.ParseConfig(url)
		if err != nil {
			return o, err
		}
		schema := pgx.Identifier{"bench" + rand.Text()}.Sanitize()
		cfg.ConnConfig.RuntimeParams["search_path"] = schema
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			return o, err
		}
		s := postgres.Wrap(pool)
		shut := func() error {
			_, err := pool.Exec(context.WithoutCancel(ctx), "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
			pool.Close()
			return err
		}
		_, err = pool.Exec(ctx, "CREATE SCHEMA "+schema)
		if err == nil {
			err = durable.Migrate(ctx, s)
		}
		if err != nil {
			return o, errors.Join(err, shut())
		}
		return Opened[pgx.Tx]{s, riverpgxv5.New(pool), shut}, nil
	}
}
