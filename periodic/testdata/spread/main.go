// Command spread prints where a job lies within its period, and within its jitter.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/steadgo/stead/periodic"
)

func main() {
	began := time.Now()
	every := start(periodic.Config{Name: "warm", Schedule: periodic.Every(1000 * time.Hour)}, nil)
	fmt.Println(every.Next().Sub(began).Round(time.Second))

	ran := make(chan time.Duration, 1)
	start(periodic.Config{Name: "warm", Schedule: periodic.Every(time.Hour), RunAtStart: true, Jitter: 100 * time.Millisecond},
		func(r periodic.Run) { ran <- r.Started.Sub(r.Slot) })
	fmt.Println(<-ran)
}

func start(cfg periodic.Config, onRun func(periodic.Run)) *periodic.Job {
	cfg.OnRun = onRun
	job, err := periodic.New(cfg, func(context.Context) error { return nil })
	if err != nil {
		panic(err)
	}
	if err := job.Start(context.Background()); err != nil {
		panic(err)
	}
	return job
}
