package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
)

// must is what main would do with an error.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func ExampleQueue() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 16})
	must(err)
	must(q.Enqueue(ctx, "welcome"))
	must(q.Enqueue(ctx, "invoice"))
	q.Close()
	for email := range q.All(ctx) {
		fmt.Println(email)
	}
	fmt.Println(q.Enqueue(ctx, "late"))
	// Output:
	// welcome
	// invoice
	// stead/channelq: enqueue "emails": queue closed
}

func ExampleQueue_DequeueBatch() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[int]{Capacity: 16})
	must(err)
	_, err = q.EnqueueAll(ctx, []int{1, 2, 3})
	must(err)
	buf := make([]int, 8)
	n, err := q.DequeueBatch(ctx, buf)
	fmt.Println(buf[:n], err)
	// Output: [1 2 3] <nil>
}

func ExampleConfig() {
	q, err := channelq.New(channelq.Config[int]{
		Name:     "readings",
		Capacity: 2,
		OnFull:   channelq.DropOldest,
		OnDrop:   func(item int, why channelq.DropReason) { fmt.Println("dropped", item, why) },
	})
	must(err)
	for i := range 3 {
		must(q.TryEnqueue(i))
	}
	fmt.Println(q.Len(), q.Stats().Dropped.Total())
	// Output:
	// dropped 0 oldest
	// 2 1
}

func ExampleFullMode() {
	for _, mode := range []channelq.FullMode{channelq.Wait, channelq.Reject, channelq.DropWrite} {
		q, err := channelq.New(channelq.Config[int]{Capacity: 1, OnFull: mode})
		must(err)
		must(q.TryEnqueue(1))
		fmt.Println(mode, "-", q.TryEnqueue(2))
	}
	// Output:
	// wait - stead/channelq: enqueue "queue": queue full
	// reject - stead/channelq: enqueue "queue": queue full
	// drop_write - stead/channelq: enqueue "queue": item dropped
}

func ExampleDropReason() {
	fmt.Println(channelq.DroppedOldest, channelq.DroppedNewest, channelq.DroppedWrite)
	// Output: oldest newest write
}

func ExampleEnqueuer() {
	// A handler that only hands work over does not care where it is kept.
	signUp := func(ctx context.Context, emails channelq.Enqueuer[string], user string) error {
		return emails.Enqueue(ctx, "welcome "+user)
	}
	q, err := channelq.New(channelq.Config[string]{Capacity: 1})
	must(err)
	must(signUp(context.Background(), q, "ada"))
	fmt.Println(q.TryDequeue())
	// Output: welcome ada <nil>
}

func ExampleWorkers() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 16})
	must(err)
	w, err := channelq.NewWorkers(q, func(_ context.Context, email string) error {
		fmt.Println("sent", email)
		return nil
	}, channelq.WorkerConfig[string]{Concurrency: 1})
	must(err)
	must(w.Start(ctx)) // a host does this
	must(q.Enqueue(ctx, "welcome"))
	must(w.Stop(ctx)) // and this: it drains the queue
	fmt.Println("handled", w.Stats().Handled)
	// Output:
	// sent welcome
	// handled 1
}

func ExampleWorkerConfig() {
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 16})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, string) error { return nil }, channelq.WorkerConfig[string]{
		OnLeftover: func(_ context.Context, items []string) error {
			fmt.Println("saved for the next start:", items)
			return nil
		},
	})
	must(err)
	must(q.TryEnqueue("welcome"))
	must(w.Stop(context.Background())) // never started: nothing was handled
	fmt.Println(w.Leftover())
	// Output:
	// saved for the next start: [welcome]
	// 1
}

func ExampleRetry() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 16})
	must(err)
	attempts := 0
	w, err := channelq.NewWorkers(q, func(context.Context, string) error {
		attempts++
		return errors.New("mail server busy")
	}, channelq.WorkerConfig[string]{
		Retry:    channelq.Retry{Attempts: 3, Initial: time.Millisecond},
		OnGiveUp: func(_ context.Context, item string, err error) { fmt.Println(item, "-", err) },
	})
	must(err)
	must(w.Start(ctx))
	must(q.Enqueue(ctx, "welcome"))
	must(w.Stop(ctx)) // waits for the retries, having no deadline
	fmt.Println(attempts, "attempts")
	// Output:
	// welcome - stead/channelq: handle "emails": gave up after attempt 3: mail server busy
	// 3 attempts
}

func ExamplePermanent() {
	err := channelq.Permanent(errors.New("no such address"))
	fmt.Println(err) // the mark does not show
	// Output: no such address
}

func ExampleRetryAfter() {
	busy := errors.New("too many requests")
	err := channelq.RetryAfter(busy, 30*time.Second)
	fmt.Println(err, errors.Is(err, busy))
	// Output: too many requests true
}

func ExampleGiveUpError() {
	var err error = &channelq.GiveUpError{Queue: "emails", Attempts: 3, Err: context.DeadlineExceeded}
	var gaveUp *channelq.GiveUpError
	if errors.As(err, &gaveUp) {
		fmt.Println(gaveUp.Attempts, errors.Is(err, context.DeadlineExceeded))
	}
	// Output: 3 true
}

func ExampleLeftoverError() {
	q, err := channelq.New(channelq.Config[int]{Name: "jobs", Capacity: 4})
	must(err)
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{})
	must(err)
	must(q.TryEnqueue(1))
	err = w.Stop(context.Background()) // never started
	var left *channelq.LeftoverError
	if errors.As(err, &left) {
		fmt.Println(left.N, "-", err)
	}
	// Output: 1 - stead/channelq: stop "jobs": 1 item left over
}

func ExampleBatcher() {
	ctx := context.Background()
	q, err := channelq.New(channelq.Config[string]{Name: "events", Capacity: 64})
	must(err)
	b, err := channelq.NewBatcher(q, func(_ context.Context, events []string) error {
		fmt.Println(events)
		return nil
	}, channelq.BatchConfig[string]{MaxItems: 2, MaxWait: time.Minute})
	must(err)
	_, err = q.EnqueueAll(ctx, []string{"a", "b", "c"})
	must(err)
	must(b.Start(ctx))
	must(b.Flush(ctx)) // does not wait for a full batch
	must(b.Stop(ctx))
	// Output:
	// [a b]
	// [c]
}

func ExampleBatchConfig() {
	q, err := channelq.New(channelq.Config[int]{Capacity: 64})
	must(err)
	_, err = channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, channelq.BatchConfig[int]{MaxItems: -1})
	fmt.Println(err)
	// Output: stead/channelq: new batcher "queue": MaxItems is negative: -1
}

func ExampleBatchError() {
	insert := func(_ context.Context, rows []string) error {
		failed := map[int]error{}
		for i, row := range rows {
			if row == "" {
				failed[i] = channelq.Permanent(errors.New("empty row"))
			}
		}
		if len(failed) > 0 {
			return &channelq.BatchError{Failed: failed} // the others count as handled
		}
		return nil
	}
	fmt.Println(insert(context.Background(), []string{"a", "", "c"}))
	// Output: stead/channelq: 1 item of the batch failed
}
