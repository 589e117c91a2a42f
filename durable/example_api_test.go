package durable_test

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/durabletest"
)

type Invoice struct{ Number int }

// The package that enqueues is given the jobs, and knows its own items.
func ExampleQueueOf() {
	jobs := durabletest.Jobs[*sql.Tx]() // durable.New(store, ...) in a program
	_, err := durable.NewQueue[Invoice](jobs, "invoice", nil, durable.QueueConfig[Invoice]{})
	if err != nil {
		panic(err)
	}

	invoices, err := durable.QueueOf[Invoice](jobs)
	fmt.Println(invoices.Name(), err)
	_, err = durable.QueueOf[string](jobs)
	fmt.Println(err)
	// Output:
	// invoice <nil>
	// stead/durable: queue of string: "jobs" has no queue of this type
}

// Eight may be a channel, or a *semaphore.Weighted of golang.org/x/sync.
type eight chan struct{}

func (e eight) Acquire(ctx context.Context, _ int64) error {
	select {
	case e <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e eight) Release(int64) { <-e }

// However many queues there are, eight handlers run at a time in this process.
func ExampleConfig_limit() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{Limit: make(eight, 8)})
	fmt.Println(jobs.Name(), err)
	// Output: jobs <nil>
}

// Every ten minutes, three times, and what is done is gone after an hour.
func ExampleQueueConfig_fixedDelay() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{})
	if err != nil {
		panic(err)
	}
	send := func(context.Context, Invoice) error { return nil }
	q, err := durable.NewQueue(jobs, "invoice", send, durable.QueueConfig[Invoice]{
		Retry:         channelq.Retry{Attempts: 3, Initial: 10 * time.Minute, Factor: 1, NoJitter: true},
		KeepCompleted: time.Hour,
	})
	fmt.Println(q.Name(), err)
	// Output: invoice <nil>
}
