package durable_test

import (
	"context"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/periodic"
)

// shownEnds looks at runs that ended neither well nor badly: cut by a stop, and
// cancelled by a person.
func shownEnds[TTx any](t *testing.T, e env[TTx]) {
	began := make(chan struct{}, 10)
	declare := func(jobs *durable.Jobs[TTx]) *durable.Queue[string] {
		return newQueue(t, jobs, "digest", func(ctx context.Context, _ string) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}, durable.QueueConfig[string]{})
	}
	first, second, web := newJobs(t, e.store, durable.EnqueueAndWork), newJobs(t, e.again(t), durable.EnqueueAndWork), newJobs(t, e.again(t), durable.EnqueueOnly)
	queues := []*durable.Queue[string]{declare(first), declare(second), declare(web)}
	again := queues[1]
	missed := hours(-0.001)
	placed(t, e, ago(1), missed)
	for _, q := range queues {
		must(t, durable.Every(q, "weekly", missed, func() string { return "" }))
	}
	start(t, web)
	must(t, first.Start(t.Context()))
	receive(t, began)
	until(t, "it runs", func() bool { s := statsOf(web)["weekly"]; return s.Running == 1 && s.Streak == 0 })
	cutStop(t, first)
	until(t, "it waits again", func() bool { return statsOf(web)["weekly"].Running == 0 })
	if s := statsOf(web)["weekly"]; s.Waiting != 1 || s.Streak != 0 || len(s.History) != 0 {
		t.Errorf("after a stop, which is no fault of the job: %+v", s)
	}
	start(t, second)
	receive(t, began)
	rows, err := durable.List(t.Context(), again, 10)
	must(t, err)
	must(t, again.Cancel(rows[0].ID))
	until(t, "it has ended", func() bool { s := statsOf(web)["weekly"]; return s.Running == 0 && s.Waiting == 0 })
	if s := statsOf(web)["weekly"]; s.Last.Outcome != periodic.Canceled {
		t.Errorf("after a person cancelled it: %+v", s)
	}
}
