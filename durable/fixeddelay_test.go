package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// A second is for what the clocks of the process and of the store differ by.
func fixedDelay[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "fixed", func(context.Context, int) error { return errors.New("no") }, durable.QueueConfig[int]{
		Retry: channelq.Retry{Initial: 100 * time.Hour, Factor: 1, NoJitter: true},
	})
	began := time.Now()
	var ids []int64
	for i := range 3 {
		ids = append(ids, enqueue(t, q, i))
	}
	start(t, jobs)
	for _, id := range ids {
		row := inState(t, jobs, id, rivertype.JobStateRetryable)
		least, most := began.Add(100*time.Hour-time.Second), time.Now().Add(100*time.Hour+time.Second)
		if row.ScheduledAt.Before(least) || row.ScheduledAt.After(most) {
			t.Errorf("job %d is due at %v, want from %v to %v", id, row.ScheduledAt, least, most)
		}
	}
}
