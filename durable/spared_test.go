package durable_test

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// aging is a store in which the row of the queue "held" does not get younger.
type aging[TTx any] struct{ store.Backend[TTx] }

type agingDriver[TTx any] struct{ riverdriver.Driver[TTx] }

type agingExecutor struct{ riverdriver.Executor }

func (s aging[TTx]) Driver() riverdriver.Driver[TTx] { return agingDriver[TTx]{s.Backend.Driver()} }

func (d agingDriver[TTx]) GetExecutor() riverdriver.Executor {
	return agingExecutor{d.Driver.GetExecutor()}
}

func (e agingExecutor) QueueCreateOrSetUpdatedAt(ctx context.Context, p *riverdriver.QueueCreateOrSetUpdatedAtParams) (*rivertype.Queue, error) {
	if p.Name == "held" {
		return e.QueueGet(ctx, &riverdriver.QueueGetParams{Name: p.Name, Schema: p.Schema})
	}
	return e.Executor.QueueCreateOrSetUpdatedAt(ctx, p)
}

func pauseIsSpared[TTx any](t *testing.T, e env[TTx]) {
	web := newJobs(t, e.store, durable.EnqueueOnly)
	held := newQueue[int](t, web, "held", nil, durable.QueueConfig[int]{})
	held.Pause()
	exec := store.Of(e.store).Driver().GetExecutor()
	_, err := exec.QueueCreateOrSetUpdatedAt(t.Context(), &riverdriver.QueueCreateOrSetUpdatedAtParams{Metadata: []byte("{}"), Name: "gone", Schema: e.schema})
	must(t, err)
	must(t, e.exec(t.Context(), "UPDATE river_queue SET updated_at='"+utc(-48*time.Hour)+"' WHERE name='held'"))
	must(t, e.exec(t.Context(), "UPDATE river_queue SET updated_at='"+utc(-72*time.Hour)+"' WHERE name='gone'"))
	jobs := newJobs(t, fake[TTx](aging[TTx]{store.Of(e.again(t))}), durable.EnqueueAndWork)
	newQueue(t, jobs, "other", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	until(t, "the row of a queue without workers is deleted", func() bool {
		queue, err := exec.QueueGet(context.Background(), &riverdriver.QueueGetParams{Name: "gone", Schema: e.schema})
		return err != nil && queue == nil
	})
	if queue, err := exec.QueueGet(t.Context(), &riverdriver.QueueGetParams{Name: "held", Schema: e.schema}); err != nil || queue.PausedAt == nil {
		t.Errorf("the pause was forgotten: %+v, %v", queue, err)
	}
}
