package durable_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/periodic"
)

// openExample is a migrated store in a new directory.
func openExample() (store *sqlite.Store, remove func()) {
	dir, err := os.MkdirTemp("", "")
	check(err)
	store, err = sqlite.Open(filepath.Join(dir, "jobs.db"))
	check(err)
	check(durable.Migrate(context.Background(), store))
	return store, func() { _, _ = store.Close(), os.RemoveAll(dir) }
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// One process enqueues, another one that knows the same file works.
func ExampleMode() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()

	web, err := durable.New(store, durable.Config{Name: "web", Mode: durable.EnqueueOnly})
	check(err)
	ask, err := durable.NewQueue[string](web, "resize", nil, durable.QueueConfig[string]{})
	check(err)
	check(ask.Enqueue(ctx, "cat.png"))

	worker, err := durable.New(store, durable.Config{Name: "worker", Mode: durable.WorkOnly})
	check(err)
	done := make(chan string)
	do, err := durable.NewQueue(worker, "resize", func(_ context.Context, file string) error {
		done <- file
		return nil
	}, durable.QueueConfig[string]{})
	check(err)
	check(worker.Start(ctx))
	fmt.Println("resized", <-done)
	fmt.Println(do.Enqueue(ctx, "dog.png"))
	check(worker.Stop(ctx))
	// Output:
	// resized cat.png
	// stead/durable: enqueue "resize": this process only works
}

// What waits in a store can be asked from any process.
func ExampleStore() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{Mode: durable.EnqueueOnly})
	check(err)
	letters, err := durable.NewQueue[string](jobs, "letters", nil, durable.QueueConfig[string]{})
	check(err)
	check(letters.Enqueue(ctx, "ada"))
	check(letters.Enqueue(ctx, "bob"))

	fmt.Println(letters.Name(), letters.States()["available"])
	// Output: letters 2
}

// Whoever only enqueues names neither the engine nor its transactions.
func ExampleQueue_enqueuer() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	mails, err := durable.NewQueue[string](jobs, "mail", nil, durable.QueueConfig[string]{})
	check(err)

	signUp := func(ctx context.Context, mails channelq.Enqueuer[string], user string) error {
		return mails.Enqueue(ctx, "welcome, "+user)
	}
	fmt.Println(signUp(context.Background(), mails, "ann"), mails.States()["available"])
	// Output: <nil> 1
}

func ExampleJobs() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	mails, err := durable.NewQueue[string](jobs, "mail", nil, durable.QueueConfig[string]{})
	check(err)
	mail, err := mails.EnqueueWith(ctx, "welcome, ann", durable.In(time.Hour))
	check(err)

	job, err := mails.Job(ctx, mail.ID)
	check(err)
	fmt.Println(job.State, job.Item)
	check(mails.Cancel(mail.ID))
	job, err = mails.Job(ctx, mail.ID)
	check(err)
	fmt.Println(job.State)
	// Output:
	// scheduled welcome, ann
	// cancelled
}

func ExampleConfig() {
	store, remove := openExample()
	defer remove()
	_, err := durable.New(store, durable.Config{
		Name:          "back office",
		PollInterval:  100 * time.Millisecond,
		KeepCompleted: time.Hour,
		KeepFailed:    -1,
		Logger:        slog.New(slog.DiscardHandler),
	})
	fmt.Println(err)
	// Output: stead/durable: new "back office": KeepFailed is negative: -1ns
}

// What fails three times is given up, and so is at once what cannot succeed.
func ExampleQueueConfig() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	gaveUp := make(chan error)
	mails, err := durable.NewQueue(jobs, "mail", func(_ context.Context, to string) error {
		if to == "" {
			return channelq.Permanent(errors.New("nobody to write to"))
		}
		return errors.New("server busy")
	}, durable.QueueConfig[string]{
		Concurrency: 4,
		Timeout:     10 * time.Second,
		Retry:       channelq.Retry{Attempts: 3, Initial: time.Millisecond},
		OnGiveUp:    func(_ context.Context, _ string, err error) { gaveUp <- err },
	})
	check(err)
	check(jobs.Start(ctx))
	for _, to := range []string{"", "ann"} {
		check(mails.Enqueue(ctx, to))
		fmt.Println(<-gaveUp)
	}
	check(jobs.Stop(ctx))
	// Output:
	// stead/channelq: handle "mail": gave up after attempt 1: nobody to write to
	// stead/channelq: handle "mail": gave up after attempt 3: server busy
}

func ExampleOption() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	reports, err := durable.NewQueue[int](jobs, "report", nil, durable.QueueConfig[int]{})
	check(err)
	_, err = reports.EnqueueWith(ctx, 2026, durable.At(time.Now().Add(time.Hour)), durable.Unique("2026"), durable.Priority(4))
	fmt.Println(err)
	_, err = reports.EnqueueWith(ctx, 2027, durable.Priority(9))
	fmt.Println(err)
	// Output:
	// <nil>
	// stead/durable: enqueue "report": Priority is not from 1 to 4: 9
}

// Two requests for one report are one job.
func ExampleEnqueued() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	reports, err := durable.NewQueue[int](jobs, "report", nil, durable.QueueConfig[int]{})
	check(err)
	first, err := reports.EnqueueWith(ctx, 2026, durable.Unique("2026"))
	check(err)
	second, err := reports.EnqueueWith(ctx, 2026, durable.Unique("2026"))
	check(err)
	fmt.Println(first.Duplicate, second.Duplicate, first.ID == second.ID)
	// Output: false true true
}

// A handler that does not listen to its context is named, with when another
// process will run its job.
func ExampleRunningError() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	begun, release := make(chan struct{}), make(chan struct{})
	deaf, err := durable.NewQueue(jobs, "deaf", func(context.Context, int) error {
		close(begun)
		<-release
		return nil
	}, durable.QueueConfig[int]{})
	check(err)
	check(jobs.Start(context.Background()))
	check(deaf.Enqueue(context.Background(), 1))
	<-begun

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var running *durable.RunningError
	if errors.As(jobs.Stop(ctx), &running) {
		tell := func(job durable.RunningJob) { fmt.Println(job.Queue, job.ID, job.RescueAt.Sub(job.Since)) }
		tell(running.Jobs[0])
	}
	close(release)
	client, err := jobs.Client()
	check(err)
	<-client.Stopped()
	// Output: deaf 1 2m0s
}

func ExampleEvery() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	cleaned := make(chan string, 1)
	cleanUps, err := durable.NewQueue(jobs, "clean-up", func(_ context.Context, what string) error {
		select {
		case cleaned <- what:
		default:
		}
		return nil
	}, durable.QueueConfig[string]{})
	check(err)
	check(durable.Every(cleanUps, "uploads", periodic.Every(100*time.Millisecond), func() string { return "uploads" }))
	check(jobs.Start(ctx))
	fmt.Println("cleaned", <-cleaned)
	for _, s := range jobs.ScheduleList() {
		fmt.Println("schedule", s.Name())
	}
	check(jobs.Stop(ctx))
	// Output:
	// cleaned uploads
	// schedule uploads
}

// What the handler wrote and the end of its job are one transaction.
func ExampleCompleteTx() {
	store, remove := openExample()
	defer remove()
	ctx := context.Background()
	_, err := store.DB().ExecContext(ctx, "CREATE TABLE payments (id int)")
	check(err)
	jobs, err := durable.New(store, durable.Config{})
	check(err)
	paid := make(chan error)
	pay := func(ctx context.Context, id int) (err error) {
		defer func() { paid <- err }()
		tx, err := store.DB().BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after the commit
		if _, err := tx.ExecContext(ctx, "INSERT INTO payments VALUES (?)", id); err != nil {
			return err
		}
		if err := durable.CompleteTx(ctx, tx); err != nil {
			return err
		}
		return tx.Commit()
	}
	payments, err := durable.NewQueue(jobs, "payment", pay, durable.QueueConfig[int]{})
	check(err)
	check(jobs.Start(ctx))
	check(payments.Enqueue(ctx, 7))
	fmt.Println(<-paid, payments.States()["completed"])
	check(jobs.Stop(ctx))
	// Output: <nil> 1
}
