package scope

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Tx returns an Open that begins a transaction of db for each unit of work. If opts
// is nil, the defaults of the driver are used. Errors of begin, commit and rollback
// are wrapped, so errors.Is finds the error of the driver.
//
// database/sql rolls a transaction back itself when its context is canceled. Tx
// does not report that rollback a second time.
func Tx(db *sql.DB, opts *sql.TxOptions) Open[*sql.Tx] {
	return func(ctx context.Context) (*sql.Tx, func(error) error, error) {
		if db == nil {
			return nil, nil, errors.New("stead/scope: begin: the database is nil")
		}
		tx, err := db.BeginTx(ctx, opts)
		if err != nil {
			return nil, nil, fmt.Errorf("stead/scope: begin: %w", err)
		}
		return tx, func(outcome error) error {
			if outcome == nil {
				return wrap("commit", tx.Commit())
			}
			if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
				return wrap("roll back", err)
			}
			return nil
		}, nil
	}
}

func wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stead/scope: %s: %w", verb, err)
}
