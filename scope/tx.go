package scope

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Tx opens one transaction of db for each unit of work; nil options are the
// driver's defaults. The errors of beginning, committing and rolling back are
// wrapped, so errors.Is sees what the driver returned.
//
// database/sql rolls a transaction back by itself when its context ends. That
// rollback is not reported a second time.
func Tx(db *sql.DB, opts *sql.TxOptions) Open[*sql.Tx] {
	return func(ctx context.Context) (*sql.Tx, func(error) error, error) {
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
