package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// A mail was given up. Somebody who looks at the job sees why, and has it sent again, once,
// even if a second person presses the same button.
func ExampleQueue_RequeueIf() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{PollInterval: 10 * time.Millisecond})
	check(err)
	gaveUp := make(chan struct{})
	mails, err := durable.NewQueue(jobs, "mail", func(context.Context, string) error {
		return channelq.Permanent(errors.New("550 no such mailbox"))
	}, durable.QueueConfig[string]{OnGiveUp: func(context.Context, string, error) { close(gaveUp) }})
	check(err)

	ctx := context.Background()
	mail, err := mails.EnqueueWith(ctx, "ada")
	check(err)
	check(jobs.Start(ctx))
	<-gaveUp
	check(jobs.Stop(ctx)) // what it came to is written now
	seen, err := mails.Job(ctx, mail.ID)
	check(err)
	for _, f := range seen.Failures {
		fmt.Printf("attempt %d: %s\n", f.Attempt, f.Err)
	}
	check(mails.RequeueIf(mail.ID, seen.Attempt))
	fmt.Println(mails.RequeueIf(mail.ID, seen.Attempt))
	// Output:
	// attempt 1: 550 no such mailbox
	// stead/durable: requeue job 1 of queue "mail": it is available now
}

// A reminder is to come a day later than it was enqueued for.
func ExampleQueue_RescheduleIf() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	reminders, err := durable.NewQueue(jobs, "remind", func(context.Context, string) error { return nil }, durable.QueueConfig[string]{})
	check(err)

	ctx := context.Background()
	monday := time.Date(2100, 3, 1, 9, 0, 0, 0, time.UTC)
	reminder, err := reminders.EnqueueWith(ctx, "the dentist", durable.At(monday))
	check(err)
	check(reminders.RescheduleIf(reminder.ID, monday, monday.AddDate(0, 0, 1)))
	job, err := reminders.Job(ctx, reminder.ID)
	check(err)
	fmt.Println(job.State, job.DueAt.UTC().Format(time.DateTime))
	// Output: scheduled 2100-03-02 09:00:00
}
