package durable_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// shownEnds looks at runs that ended neither well nor badly: cut by a stop, and
// cancelled by a person.
func shownEnds[TTx any](t *testing.T, e env[TTx]) {
	began := make(chan struct{}, 10)
	declare := func(jobs *durable.Jobs[TTx]) *durable.Queue[string] {
		return newQueue(t, jobs, "slow", func(ctx context.Context, _ string) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}, durable.QueueConfig[string]{})
	}
	first, second, web := newJobs(t, e.store, durable.EnqueueAndWork), newJobs(t, e.again(t), durable.EnqueueAndWork), newJobs(t, e.again(t), durable.EnqueueOnly)
	queues := []*durable.Queue[string]{declare(first), declare(second), declare(web)}
	again := queues[1]
	start(t, web)
	must(t, first.Start(t.Context()))
	until(t, "it leads", func() bool {
		return slices.ContainsFunc(first.Instances(), func(i lifecycle.Instance) bool { return i.Leads })
	})
	soon := periodic.At(time.Now().Add(3 * time.Second)) // the engine begins with schedules up to a second later
	for _, q := range queues {
		must(t, durable.Every(q, "report", soon, func() string { return "" }))
	}
	receive(t, began)
	if s := statsOf(web)["report"]; s.Running != 1 || s.Streak != 0 {
		t.Errorf("while it runs: %+v", s)
	}
	stop(t, first, 2*time.Second)
	until(t, "it waits again", func() bool { return statsOf(web)["report"].Running == 0 })
	if s := statsOf(web)["report"]; s.Waiting != 1 || s.Streak != 0 || len(s.History) != 0 {
		t.Errorf("after a stop, which is no fault of the job: %+v", s)
	}
	start(t, second)
	receive(t, began)
	rows, err := durable.List(t.Context(), again, 10)
	must(t, err)
	must(t, again.Cancel(rows[0].ID))
	until(t, "it has ended", func() bool { s := statsOf(web)["report"]; return s.Running == 0 && s.Waiting == 0 })
	if s := statsOf(web)["report"]; s.Last.Outcome != periodic.Canceled {
		t.Errorf("after a person cancelled it: %+v", s)
	}
}
