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

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
)

// SQLite opens a new file each time.
func SQLite(ctx context.Context) (durable.Store[*sql.Tx], func() error, error) {
	dir, err := os.MkdirTemp("", "stead-bench-")
	if err != nil {
		return nil, nil, err
	}
	s, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	shut := func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) }
	if err := durable.Migrate(ctx, s); err != nil {
		return nil, nil, errors.Join(err, shut())
	}
	return s, shut, nil
}

// Postgres makes a new schema of the database each time.
func Postgres(url string) func(ctx context.Context) (durable.Store[pgx.Tx], func() error, error) {
	return func(ctx context.Context) (durable.Store[pgx.Tx], func() error, error) {
		cfg, err := pgxpool.ParseConfig(url)
		if err != nil {
			return nil, nil, err
		}
		schema := pgx.Identifier{"bench" + rand.Text()}.Sanitize()
		cfg.ConnConfig.RuntimeParams["search_path"] = schema
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			return nil, nil, err
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
			return nil, nil, errors.Join(err, shut())
		}
		return s, shut, nil
	}
}
