package filestore_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/filestore"
)

// The program starts on Wednesday at noon and has not run since Tuesday: the
// report of this morning is made up for at once.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "lastrun")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := filestore.New(dir)
	if err != nil {
		panic(err)
	}
	_ = store.SaveLastRun(context.Background(), "report", time.Now().Add(-24*time.Hour)) // as the run of yesterday did

	ran := make(chan struct{})
	job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(10 * time.Hour), LastRun: store},
		func(context.Context) error {
			close(ran)
			return nil
		})
	if err != nil {
		panic(err)
	}
	_ = job.Start(context.Background())
	<-ran
	_ = job.Stop(context.Background())
	last, err := store.LastRun(context.Background(), "report")
	fmt.Println(job.Stats().Runs[periodic.Succeeded], time.Since(last) < 10*time.Hour, err)
	// Output: 1 true <nil>
}

func ExampleNew() {
	_, err := filestore.New("/dev/null/lastrun")
	fmt.Println(err)
	// Output: stead/periodic/filestore: open "/dev/null/lastrun": mkdir /dev/null: not a directory
}
