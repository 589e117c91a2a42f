package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

// The order and the mail about it are in one file, and in one transaction.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := sqlite.Open(filepath.Join(dir, "shop.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()
	ctx := context.Background()
	err = durable.Migrate(ctx, store)
	_, err2 := store.DB().ExecContext(ctx, "CREATE TABLE orders (id int)")
	jobs, err3 := durable.New(store, durable.Config{Mode: durable.EnqueueOnly})
	mails, err4 := durable.NewQueue[string](jobs, "mail", nil, durable.QueueConfig[string]{})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		panic(err)
	}

	tx, err := store.DB().BeginTx(ctx, nil)
	if err != nil {
		panic(err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO orders VALUES (7)")
	_, err2 = durable.EnqueueTx(ctx, tx, mails, "order 7")
	if err := errors.Join(err, err2, tx.Commit()); err != nil {
		panic(err)
	}
	fmt.Println(mails.Name(), mails.States()["available"])
	// Output: mail 1
}

func ExampleOpen() {
	_, err := sqlite.Open(":memory:")
	fmt.Println(err)
	// Output: stead/durable/sqlite: open: the path has to name a file
}

func ExamplePragma() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	options := []sqlite.Option{sqlite.Pragma("foreign_keys", "on")}
	store, err := sqlite.Open(filepath.Join(dir, "shop.db"), options...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()
	var on int
	err = store.DB().QueryRowContext(context.Background(), "PRAGMA foreign_keys").Scan(&on)
	fmt.Println(on, err)
	// Output: 1 <nil>
}
