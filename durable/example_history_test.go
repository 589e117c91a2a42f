package durable_test

import (
	"context"
	"fmt"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/lifecycle"
)

// What a process ended is in the store when it has stopped.
func ExampleQueue_History() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	done := make(chan bool)
	mails, err := durable.NewQueue(jobs, "mail", func(context.Context, string) error {
		done <- true
		return nil
	}, durable.QueueConfig[string]{})
	check(err)
	check(jobs.Start(ctx))
	check(mails.Enqueue(ctx, "ada"))
	<-done
	check(jobs.Stop(ctx))

	hours, err := mails.History(ctx, time.Now().Add(-24*time.Hour))
	check(err)
	for _, h := range hours {
		fmt.Println(h.Handled, "handled,", h.GaveUp, "gave up,", h.Canceled, "canceled")
	}
	// Output: 1 handled, 0 gave up, 0 canceled
}

func ExampleJobs_AuditTrail() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	// What people do on the dashboard is written down by itself. A program names them in ctx,
	ctx := durable.WithActor(context.Background(), "ann")
	check(jobs.Schedules().Put(ctx, durable.Schedule{Name: "weekly", Cron: "@weekly", Queue: "newsletter", Payload: "subscribers"}))
	check(jobs.Schedules().Pause(ctx, "weekly"))
	// or writes an entry for what it lets them do itself.
	check(jobs.Audit(ctx, lifecycle.AuditEntry{Actor: "bob", Action: "refund", Kind: "order", Name: "42"}))

	trail, _, err := jobs.AuditTrail(ctx, 0)
	check(err)
	for _, e := range trail {
		fmt.Println(e.Actor, e.Action, e.Kind, e.Name)
	}
	// Output:
	// bob refund order 42
	// ann pause schedule weekly
	// ann put schedule weekly
}
