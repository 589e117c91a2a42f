package channelq_test

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"

	"github.com/steadgo/stead/channelq"
)

// A campaign is over when every mail that was accepted is settled.
func ExampleOutcome() {
	q, err := channelq.New(channelq.Config[string]{Capacity: 10})
	must(err)
	settled := map[channelq.Outcome]int{}
	w, err := channelq.NewWorkers(q, func(context.Context, string) error { return nil }, channelq.WorkerConfig[string]{
		Concurrency: 1,
		Skip:        func(mail string) bool { return mail == "canceled" },
		OnSettled:   func(_ string, o channelq.Outcome, _ error) { settled[o]++ },
	})
	must(err)
	ctx := context.Background()
	_, err = q.EnqueueAll(ctx, []string{"one", "canceled", "two"})
	must(err)
	must(w.Start(ctx))
	must(w.Stop(ctx))
	fmt.Println(settled[channelq.Handled], channelq.Handled, settled[channelq.Skipped], channelq.Skipped)
	// Output: 2 handled 1 skipped
}

func ExampleRequeuedError() {
	fmt.Println(&channelq.RequeuedError{ID: 3})
	// Output: stead/channelq: requeued failure 3
}

func ExampleAttempt() {
	q, err := channelq.New(channelq.Config[string]{Name: "mails", Capacity: 10, Stamp: true})
	must(err)
	w, err := channelq.NewWorkers(q, func(ctx context.Context, _ string) error {
		info, _ := channelq.Attempt(ctx)
		fmt.Println(info.Queue, info.Attempt, info.EnqueuedAt.IsZero())
		return nil
	}, channelq.WorkerConfig[string]{})
	must(err)
	ctx := context.Background()
	must(q.Enqueue(ctx, "one"))
	must(w.Start(ctx))
	must(w.Stop(ctx))
	// Output: mails 1 false
}

func ExampleInfo() {
	_, ok := channelq.Attempt(context.Background()) // not the context of a handler
	fmt.Println(channelq.Info{}.Attempt, ok)
	// Output: 0 false
}

// The items are in a table as well: the stop hands over what is not started.
func ExampleDrain() {
	q, err := channelq.New(channelq.Config[int]{Capacity: 10})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
		Drain:      channelq.DropOnStop,
		OnLeftover: func(_ context.Context, items []int) error { fmt.Println(items); return nil },
	})
	must(err)
	ctx := context.Background()
	_, err = q.EnqueueAll(ctx, []int{1, 2})
	must(err)
	must(w.Stop(ctx))
	// Output: [1 2]
}

// Two queues share four places, and urgent items come first: while one waits, the bulk
// gets at most one place more, as the semaphore serves who waits in order.
func ExampleWorkerConfig_limit() {
	limit := semaphore.NewWeighted(4)
	handle := func(context.Context, int) error { return nil }
	ctx := context.Background()
	for _, name := range []string{"urgent", "bulk"} {
		q, err := channelq.New(channelq.Config[int]{Name: name, Capacity: 10})
		must(err)
		w, err := channelq.NewWorkers(q, handle, channelq.WorkerConfig[int]{Concurrency: 4, Limit: limit})
		must(err)
		must(q.Enqueue(ctx, 1))
		must(w.Start(ctx))
		must(w.Stop(ctx))
		fmt.Println(name, w.Stats().Handled)
	}
	// Output:
	// urgent 1
	// bulk 1
}
