package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// Two jobs follow the upload, each once. One of them starts only if the upload gives up.
func ExampleAfter() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{PollInterval: 10 * time.Millisecond})
	check(err)
	done := make(chan struct{})
	say := func(_ context.Context, text string) error { fmt.Println(text); return nil }
	upload, err := durable.NewQueue(jobs, "upload", say, durable.QueueConfig[string]{})
	check(err)
	tell, err := durable.NewQueue(jobs, "tell", func(ctx context.Context, text string) error {
		defer close(done)
		return say(ctx, text)
	}, durable.QueueConfig[string]{})
	check(err)

	ctx := context.Background()
	photo, err := upload.EnqueueWith(ctx, "photo.jpg is uploaded")
	check(err)
	_, err = tell.EnqueueWith(ctx, "the photo is there", durable.After(photo.ID))
	check(err)
	_, err = tell.EnqueueWith(ctx, "the photo is lost", durable.AfterGaveUp(photo.ID))
	check(err)
	check(jobs.Start(ctx))
	<-done
	check(jobs.Stop(ctx))
	// Output:
	// photo.jpg is uploaded
	// the photo is there
}

// The page is published when all photos have been tried, and says how many are missing.
func ExampleEnqueueBatch() {
	store, remove := openExample()
	defer remove()
	jobs, err := durable.New(store, durable.Config{PollInterval: 10 * time.Millisecond})
	check(err)
	done := make(chan struct{})
	resize, err := durable.NewQueue(jobs, "resize", func(_ context.Context, photo string) error {
		if photo == "broken.jpg" {
			return channelq.Permanent(errors.New("no photo"))
		}
		return nil
	}, durable.QueueConfig[string]{})
	check(err)
	publish, err := durable.NewQueue(jobs, "publish", func(ctx context.Context, page string) error {
		defer close(done)
		ends := durable.EndsOf(ctx)
		fmt.Printf("%s: %d photos, %d missing\n", page, ends.Handled, ends.GaveUp)
		return nil
	}, durable.QueueConfig[string]{})
	check(err)

	ctx := context.Background()
	_, err = durable.EnqueueBatch(ctx, resize, []string{"a.jpg", "broken.jpg", "b.jpg"}, publish, "holidays")
	check(err)
	check(jobs.Start(ctx))
	<-done
	check(jobs.Stop(ctx))
	// Output: holidays: 2 photos, 1 missing
}
