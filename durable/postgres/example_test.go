package postgres_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

// The pool is the program's own; nothing connects before it is used.
func ExampleStore() {
	pool, err := pgxpool.New(context.Background(), "postgres://app@db.example.org/app")
	if err != nil {
		panic(err)
	}
	defer pool.Close()
	jobs, err := durable.New(postgres.Wrap(pool), durable.Config{})
	if err != nil {
		panic(err)
	}
	mails, err := durable.NewQueue[string](jobs, "mail", nil, durable.QueueConfig[string]{})
	fmt.Println(mails.Name(), err)
	// Output: mail <nil>
}

// Two programs of one database, each with the jobs in a schema of its own.
func ExampleOption() {
	for _, schema := range []string{"shop_jobs", "shop jobs"} {
		store, err := postgres.Open(context.Background(), "postgres://app@db.example.org/app", postgres.Schema(schema))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(store)
		_ = store.Close()
	}
	// Output:
	// db.example.org:5432/app schema shop_jobs
	// stead/durable/postgres: open: the name of the Schema is not of letters, digits and underlines, or begins with a digit: "shop jobs"
}

func ExampleOpen() {
	_, err := postgres.Open(context.Background(), "postgres://app@db.example.org:port/app")
	fmt.Println(err != nil)
	// Output: true
}
