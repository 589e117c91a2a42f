package durable_test

import (
	"context"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/hosted"
)

// The plan of a stop tells how long the jobs in hand take by how many have ended.
func planOfTheStop[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, release := make(chan struct{}, 9), make(chan struct{})
	q := newQueue(t, jobs, "planned", func(context.Context, int) error { begun <- struct{}{}; <-release; return nil }, durable.QueueConfig[int]{Concurrency: 1})
	host := hosted.New(hosted.Config{})
	host.Add("jobs", jobs)
	must(t, host.Start(t.Context()))
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	t.Cleanup(func() { close(release) })
	for i := range 3 {
		enqueue(t, q, i)
	}
	receive(t, begun)
	before := host.StopPlan()
	release <- struct{}{}
	receive(t, begun) // the next one is in hand
	until(t, "the first is counted", func() bool { return jobs.Ended() == 1 })
	var s hosted.StopStep
	until(t, "the jobs answer in a moment", func() bool { s = host.StopPlan().Forecast(before).Steps[0]; return !s.Unknown })
	if s.InHand != 1 || s.What != "item" || s.Ended != 1 || s.Needs <= 0 {
		t.Errorf("%+v", s)
	}
}
