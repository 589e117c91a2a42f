package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
)

// What an operator sees of an item: each of its last attempts.
func ExampleAttemptFailure() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 10})
	if err != nil {
		panic(err)
	}
	w, err := channelq.NewWorkers(q, func(ctx context.Context, to string) error {
		if info, _ := channelq.Attempt(ctx); info.Attempt == 1 {
			return errors.New("451 try later")
		}
		return channelq.Permanent(errors.New("550 no such mailbox"))
	}, channelq.WorkerConfig[string]{Retry: channelq.Retry{Attempts: 3, Initial: time.Millisecond}})
	if err != nil {
		panic(err)
	}
	_ = w.Start(ctx)
	_ = q.Enqueue(ctx, "somebody@example.com")
	_ = w.Stop(ctx) // drains the queue
	for _, a := range w.Failures()[0].Failed {
		fmt.Println(a.Attempt, a.Err)
	}
	// Output:
	// 1 451 try later
	// 2 550 no such mailbox
}
