package durable_test

import (
	"context"
	"fmt"

	"github.com/steadgo/stead/durable"
)

// What an administrator may change at run time is kept in the store.
func ExampleSchedules() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	done := make(chan string)
	_, err = durable.NewQueue(jobs, "newsletter", func(_ context.Context, to string) error {
		done <- to
		return nil
	}, durable.QueueConfig[string]{})
	check(err)
	check(jobs.Start(ctx))

	schedules := jobs.Schedules()
	check(schedules.Put(ctx, durable.Schedule{Name: "weekly", Cron: "0 8 * * MON", Zone: "Europe/Zurich", Queue: "newsletter", Payload: "subscribers"}))
	check(schedules.Trigger(ctx, "weekly"))
	fmt.Println("sent to the", <-done)
	check(schedules.Pause(ctx, "weekly"))
	all, err := schedules.List(ctx)
	check(err)
	fmt.Println(all[0].Name, all[0].Cron, "paused:", all[0].Paused)
	fmt.Println(schedules.Delete(ctx, "monthly"))
	check(jobs.Stop(ctx))
	// Output:
	// sent to the subscribers
	// weekly 0 8 * * MON paused: true
	// stead/durable: delete schedule "monthly": there is no such schedule in the store
}

func ExampleSchedule() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	err = jobs.Schedules().Put(ctx, durable.Schedule{Name: "weekly", Cron: "0 8 * * MON", Zone: "Atlantis", Queue: "newsletter"})
	fmt.Println(err)
	// Output: stead/durable: put schedule "weekly": Zone: unknown time zone Atlantis
}
