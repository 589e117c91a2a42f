package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/periodic"
)

func ExampleNew() {
	warmed := make(chan struct{}, 1)
	warm := func(ctx context.Context) error {
		warmed <- struct{}{}
		return nil
	}
	job, err := periodic.New(periodic.Config{
		Name:       "warm-cache",
		Schedule:   periodic.Every(5 * time.Minute),
		RunAtStart: true,
	}, warm)
	if err != nil {
		panic(err)
	}
	_ = job.Start(context.Background()) // host.Add("warm-cache", job) does this
	<-warmed
	fmt.Println(job.Stop(context.Background()), job.Stats().Runs[periodic.Succeeded])
	// Output: <nil> 1
}

func ExampleJob_Trigger() {
	ran := make(chan struct{})
	job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(time.Hour)},
		func(context.Context) error { close(ran); return nil })
	if err != nil {
		panic(err)
	}
	fmt.Println(errors.Is(job.Trigger(), periodic.ErrNotRunning))
	_ = job.Start(context.Background())
	fmt.Println(job.Trigger())
	<-ran
	_ = job.Stop(context.Background())
	// Output:
	// true
	// <nil>
}

func ExampleTicker() {
	ticker, err := periodic.NewTicker(10 * time.Millisecond)
	if err != nil {
		panic(err)
	}
	n := 0
	for tick := range ticker.Ticks(context.Background()) {
		if n++; n == 3 {
			fmt.Println(n, "ticks; the last one has a time:", !tick.Scheduled.IsZero())
			break
		}
	}
	// Output: 3 ticks; the last one has a time: true
}
