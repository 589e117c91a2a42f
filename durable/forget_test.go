package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/periodic"
)

func TestForgettingAScheduleDoesNotPutTheJobsInUse(t *testing.T) {
	e := openSQLite(t)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "tick", func(context.Context, string) error { return channelq.Permanent(errors.New("no")) }, durable.QueueConfig[string]{})
	must(t, durable.Every(q, "fast", periodic.Every(20*time.Millisecond), func() string { return "fast" }))
	must(t, durable.Every(q, "slow", periodic.Every(time.Hour), func() string { return "slow" }))
	if found, err := jobs.Forget("none"); found || err != nil {
		t.Errorf("forgot what there is not: %v, %v", found, err)
	}
	if found, err := jobs.Forget("fast"); !found || err != nil {
		t.Errorf("forget: %v, %v", found, err)
	}
	newQueue(t, jobs, "later", nothing[int], durable.QueueConfig[int]{})
	must(t, durable.Every(q, "fast", periodic.Every(time.Hour), func() string { return "second" }))
	start(t, jobs)
	time.Sleep(300 * time.Millisecond)
	rows, err := durable.List(t.Context(), q, 10)
	must(t, err)
	if len(rows) != 0 || len(jobs.ScheduleList()) != 2 {
		t.Errorf("%d jobs of a schedule that was forgotten, %d schedules", len(rows), len(jobs.ScheduleList()))
	}
}
