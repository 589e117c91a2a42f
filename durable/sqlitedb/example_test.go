package sqlitedb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // or any other driver of SQLite

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlitedb"
)

// The program's own database has the jobs too.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)

	store, err := sqlitedb.Wrap(db)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	err = durable.Migrate(ctx, store)
	jobs, err2 := durable.New(store, durable.Config{Mode: durable.EnqueueOnly})
	mails, err3 := durable.NewQueue[string](jobs, "mail", nil, durable.QueueConfig[string]{})
	if err := errors.Join(err, err2, err3, mails.Enqueue(ctx, "hello")); err != nil {
		panic(err)
	}
	fmt.Println(mails.Name(), mails.States()["available"])
	// Output: mail 1
}

func ExampleWrap() {
	db, err := sql.Open("sqlite", "app.db")
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()
	_, err = sqlitedb.Wrap(db)
	fmt.Println(err)
	// Output: stead/durable/sqlitedb: wrap: the database may open more than one connection: call SetMaxOpenConns(1)
}
