package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
)

func ExampleFailure() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 4})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, string) error { return errors.New("no route to host") },
		channelq.WorkerConfig[string]{Detach: true})
	must(err)
	must(w.Start(ctx))
	must(q.Enqueue(ctx, "welcome"))
	q.Close()
	<-w.Done()
	for _, f := range w.Failures() {
		fmt.Println(f.ID, f.Item, f.Attempts, f.Err)
		must(w.Discard(f.ID))
	}
	fmt.Println(len(w.Failures()))
	// Output:
	// 1 welcome 1 no route to host
	// 0
}

func ExampleRetrying() {
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 4})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, string) error {
		return channelq.RetryAfter(errors.New("mailbox busy"), time.Hour)
	}, channelq.WorkerConfig[string]{Retry: channelq.Retry{Attempts: 3}})
	must(err)
	must(w.Start(context.Background()))
	must(q.TryEnqueue("welcome"))
	for len(w.Retrying()) == 0 { // until the first attempt is over
		time.Sleep(time.Millisecond)
	}
	r := w.Retrying()[0]
	fmt.Println(r.Item, r.Attempts, r.Err, "due in", time.Until(r.Due).Round(time.Minute))
	now, cancel := context.WithCancel(context.Background())
	cancel() // what is parked is not waited for
	fmt.Println(w.Stop(now))
	// Output:
	// welcome 1 mailbox busy due in 1h0m0s
	// stead/channelq: stop "emails": 1 item left over
}

func ExampleStats() {
	q, err := channelq.New(channelq.Config[int]{Capacity: 4, OnFull: channelq.Reject})
	must(err)
	for i := range 6 {
		_ = q.TryEnqueue(i)
	}
	_, _ = q.TryDequeue()
	s := q.Stats()
	fmt.Println(s.Accepted, "=", s.TakenByHand, "+", s.Depth, "and refused", s.Refused.Total())
	// Output: 4 = 1 + 3 and refused 2
}

func ExampleDropCounts() {
	fmt.Println(channelq.DropCounts{Oldest: 2, Newest: 1}.Total())
	// Output: 3
}

func ExampleRefused() {
	fmt.Println(channelq.Refused{Full: 2, Cancelled: 1}.Total())
	// Output: 3
}

func ExampleHistogram() {
	var h channelq.Histogram // yours comes from Stats
	for i, bound := range channelq.HistogramBounds()[:2] {
		fmt.Println(bound, h.Cumulative[i])
	}
	// Output:
	// 1ms 0
	// 2.5ms 0
}
