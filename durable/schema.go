package durable

import (
	"context"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/durable/internal/store"
)

// qualifying is an executor whose statements find the tables of one schema. What the
// engine itself asks for gets the schema as a parameter.
type qualifying struct {
	riverdriver.Executor

	schema string
}

func qualified(e riverdriver.Executor, schema string) riverdriver.Executor {
	if schema == "" {
		return e
	}
	return qualifying{e, schema}
}

func (q qualifying) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := q.Executor.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return qualifiedTx(tx, q.schema), nil
}

func (q qualifying) Exec(ctx context.Context, statement string, args ...any) error {
	return q.Executor.Exec(ctx, store.Qualify(q.schema, statement), args...)
}

func (q qualifying) QueryRow(ctx context.Context, statement string, args ...any) riverdriver.Row {
	return q.Executor.QueryRow(ctx, store.Qualify(q.schema, statement), args...)
}

type qualifyingTx struct {
	riverdriver.ExecutorTx

	schema string
}

func qualifiedTx(tx riverdriver.ExecutorTx, schema string) riverdriver.ExecutorTx {
	if schema == "" {
		return tx
	}
	return qualifyingTx{tx, schema}
}

func (q qualifyingTx) Exec(ctx context.Context, statement string, args ...any) error {
	return q.ExecutorTx.Exec(ctx, store.Qualify(q.schema, statement), args...)
}

func (q qualifyingTx) QueryRow(ctx context.Context, statement string, args ...any) riverdriver.Row {
	return q.ExecutorTx.QueryRow(ctx, store.Qualify(q.schema, statement), args...)
}

// createSchema makes the schema if it is missing. It looks first: "if not exists" needs
// the right to create one even where it exists.
func createSchema(ctx context.Context, exec riverdriver.Executor, schema string) error {
	if schema == "" {
		return nil
	}
	return exec.Exec(ctx, `DO $$ BEGIN
		PERFORM pg_advisory_xact_lock(hashtext('stead_instance'));
		IF to_regnamespace('"`+schema+`"') IS NULL THEN CREATE SCHEMA "`+schema+`"; END IF;
		END $$`)
}
