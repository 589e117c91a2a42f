package scope_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/steadgo/stead/scope"
)

// Every order is one transaction: it is stored with its invoice or not at all.
func ExampleHandler() {
	log := &ledger{} // stands for a real database
	db := sql.OpenDB(log)
	defer func() { _ = db.Close() }()

	handle := scope.Handler(scope.Tx(db, nil), func(ctx context.Context, tx *sql.Tx, order string) error {
		if _, err := tx.ExecContext(ctx, "order "+order); err != nil {
			return err
		}
		if order == "B" {
			return errors.New("no price for B")
		}
		_, err := tx.ExecContext(ctx, "invoice "+order)
		return err
	})

	fmt.Println(handle(context.Background(), "A"))
	fmt.Println(handle(context.Background(), "B"))
	fmt.Println(log.lines)
	// Output:
	// <nil>
	// no price for B
	// [begin order A invoice A commit begin order B rollback]
}

// What is opened need not be a transaction.
func ExampleOpen() {
	var lease scope.Open[string] = func(context.Context) (string, func(error) error, error) {
		return "lease 7", func(outcome error) error {
			fmt.Println("given back after:", outcome)
			return nil
		}, nil
	}
	report := scope.Run(lease, func(_ context.Context, name string) error {
		fmt.Println("working with", name)
		return nil
	})
	fmt.Println(report(context.Background()))
	// Output:
	// working with lease 7
	// given back after: <nil>
	// <nil>
}

func ExampleTx() {
	log := &ledger{commit: errors.New("disk full")}
	db := sql.OpenDB(log)
	defer func() { _ = db.Close() }()

	cleanUp := scope.Run(scope.Tx(db, nil), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "delete old rows")
		return err
	})
	fmt.Println(cleanUp(context.Background()))
	// Output: stead/scope: commit: disk full
}
