package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/durable/internal/store"
)

// pool is a pool whose statements find the tables in the schema. The connections are as
// the program made them.
type pool struct {
	*pgxpool.Pool

	schema string // if empty, that of the search_path
}

func (p pool) Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error) {
	return p.Pool.Exec(ctx, store.Qualify(p.schema, statement), args...)
}

func (p pool) Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error) {
	return p.Pool.Query(ctx, store.Qualify(p.schema, statement), args...)
}

func (p pool) QueryRow(ctx context.Context, statement string, args ...any) pgx.Row {
	return p.Pool.QueryRow(ctx, store.Qualify(p.schema, statement), args...)
}

func (p pool) Begin(ctx context.Context) (pgx.Tx, error) { return p.BeginTx(ctx, pgx.TxOptions{}) }

func (p pool) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	t, err := p.Pool.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return p.in(t), nil
}

// in is a transaction, which may be the program's, whose statements do.
func (p pool) in(t pgx.Tx) pgx.Tx { return tx{t, p.schema} }

type tx struct {
	pgx.Tx

	schema string
}

func (t tx) Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error) {
	return t.Tx.Exec(ctx, store.Qualify(t.schema, statement), args...)
}

func (t tx) Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error) {
	return t.Tx.Query(ctx, store.Qualify(t.schema, statement), args...)
}

func (t tx) QueryRow(ctx context.Context, statement string, args ...any) pgx.Row {
	return t.Tx.QueryRow(ctx, store.Qualify(t.schema, statement), args...)
}
