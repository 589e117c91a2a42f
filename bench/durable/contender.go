package durable

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/steadgo/stead/durable"
)

// Both fetch like this. One minute is the default timeout of an attempt in either.
// With few workers the cooldown would be all that a drain takes, so that the costs
// are compared with many.
const (
	few, many = 10, 100

	cooldown = 10 * time.Millisecond
	poll     = time.Second
	keep     = 24 * time.Hour
)

// item is what a job carries: enough to be no special case of JSON.
type item struct {
	ID int    `json:"id"`
	To string `json:"to"`
}

func newItem(i int) item { return item{i, "ann@example.org"} }

// contender is one way to use the engine.
type contender struct {
	enqueue    func(ctx context.Context, it item) error
	enqueueAll func(ctx context.Context, items []item) error
	start      func(ctx context.Context) error
	stop       func(ctx context.Context) error
}

type maker[TTx any] struct {
	name string
	make func(o Opened[TTx], handle func(context.Context, item) error, workers int) (contender, error)
}

func makers[TTx any]() []maker[TTx] {
	return []maker[TTx]{{"river", direct[TTx]}, {"durable", adapted[TTx]}}
}

func adapted[TTx any](o Opened[TTx], handle func(context.Context, item) error, workers int) (contender, error) {
	jobs, err := durable.New(o.Store, durable.Config{})
	if err != nil {
		return contender{}, err
	}
	q, err := durable.NewQueue(jobs, "noop", handle, durable.QueueConfig[item]{Concurrency: workers})
	if err != nil {
		return contender{}, err
	}
	return contender{
		enqueue:    q.Enqueue,
		enqueueAll: func(ctx context.Context, items []item) error { _, err := q.EnqueueAll(ctx, items); return err },
		start:      jobs.Start,
		stop:       jobs.Stop,
	}, nil
}

// args is the item as the engine wants it.
type args struct{ item }

func (args) Kind() string { return "noop" }

func (a args) MarshalJSON() ([]byte, error)     { return json.Marshal(a.item) }
func (a *args) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &a.item) }

type worker struct {
	river.WorkerDefaults[args]

	handle func(context.Context, item) error
}

func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	return w.handle(ctx, job.Args.item)
}

func direct[TTx any](o Opened[TTx], handle func(context.Context, item) error, workers int) (contender, error) {
	ws := river.NewWorkers()
	river.AddWorker(ws, &worker{handle: handle})
	client, err := river.NewClient(o.Driver, &river.Config{
		Logger:                      slog.New(slog.DiscardHandler),
		FetchCooldown:               cooldown,
		FetchPollInterval:           poll,
		CompletedJobRetentionPeriod: keep,
		Queues:                      map[string]river.QueueConfig{"noop": {MaxWorkers: workers}},
		Workers:                     ws,
	})
	opts := &river.InsertOpts{Queue: "noop", MaxAttempts: 10}
	return contender{
		enqueue: func(ctx context.Context, it item) error {
			_, err := client.Insert(ctx, args{it}, opts)
			return err
		},
		enqueueAll: func(ctx context.Context, items []item) error {
			params := make([]river.InsertManyParams, len(items))
			for i, it := range items {
				params[i] = river.InsertManyParams{Args: args{it}, InsertOpts: opts}
			}
			for piece := range slices.Chunk(params, 5_000) { // as many as a piece of EnqueueAll has at most
				if _, err := client.InsertMany(ctx, piece); err != nil {
					return err
				}
			}
			return nil
		},
		start: func(ctx context.Context) error { return client.Start(ctx) },
		stop:  func(ctx context.Context) error { return client.Stop(ctx) },
	}, err
}
