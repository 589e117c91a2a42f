package durable_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// env is one migrated store for one test, and its transactions.
type env[TTx any] struct {
	store durable.Store[TTx]
	begin func(ctx context.Context) (TTx, error)
	end   func(ctx context.Context, tx TTx, commit bool) error
	// exec runs a statement beside the engine.
	exec func(ctx context.Context, statement string) error
	// age is the statement that makes every process one that was seen long ago.
	age string
	// by is the literal of a column that says that a process took a job.
	by string
	// wish is an expression for metadata that say that the job is to be cancelled.
	wish string
	// old is the statement that adds 700 hours of the queue numbers, every hour back from 29 days
	// ago for 50 and from 31 days ago for 650, and 600 entries of the trail, 550 of them of 91 days ago.
	old string
	// again opens the same store a second time, as another process would.
	again func(t *testing.T) durable.Store[TTx]
	// schema is where PostgreSQL has the tables.
	schema string
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quick makes the engine look often, so that a test waits for nothing else.
func quick(mode durable.Mode) durable.Config {
	cfg := durable.Config{PollInterval: 20 * time.Millisecond, Mode: mode}
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return cfg
}

func newJobs[TTx any](t *testing.T, store durable.Store[TTx], mode durable.Mode) *durable.Jobs[TTx] {
	t.Helper()
	jobs, err := durable.New(store, quick(mode))
	must(t, err)
	return jobs
}

func newQueue[T, TTx any](t *testing.T, jobs *durable.Jobs[TTx], kind string, handle func(context.Context, T) error, cfg durable.QueueConfig[T]) *durable.Queue[T] {
	t.Helper()
	q, err := durable.NewQueue(jobs, kind, handle, cfg)
	must(t, err)
	return q
}

// start starts the jobs and stops them at the end of the test if they run then.
func start[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	must(t, jobs.Start(t.Context()))
	t.Cleanup(func() { stop(t, jobs) })
}

func stop[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := jobs.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// cutStop is a stop that cancels the handlers after half a second. How soon the store takes
// what they came to is the machine's business: the stop may end before.
func cutStop[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := jobs.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	client, err := jobs.Client()
	must(t, err)
	receive(t, client.Stopped())
}

// patience only keeps a failing test from hanging, on a machine with other work too.
const patience = 2 * time.Minute

// until polls: what is waited for is a row in a database, which tells nobody.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for giveUp := time.After(patience); !happened(); {
		select {
		case <-tick.C:
		case <-giveUp:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// inState waits until a job is in a state and returns it.
func inState[TTx any](t *testing.T, jobs *durable.Jobs[TTx], id int64, state rivertype.JobState) *rivertype.JobRow {
	t.Helper()
	var row *rivertype.JobRow
	until(t, "job "+string(state), func() bool {
		var err error
		row, err = durable.Get(context.Background(), jobs, id)
		must(t, err)
		return row.State == state
	})
	return row
}

func enqueue[T any](t *testing.T, q *durable.Queue[T], item T, opts ...durable.Option) int64 {
	t.Helper()
	e, err := q.EnqueueWith(t.Context(), item, opts...)
	must(t, err)
	return e.ID
}

func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// failuresOf waits until the store has answered in time for a page and there are so many.
func failuresOf[T any](t *testing.T, q *durable.Queue[T], n int) (list []channelq.Failure) {
	t.Helper()
	until(t, fmt.Sprint(n, " failures"), func() bool { list = q.Failures(); return len(list) == n })
	return list
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func goexit() { runtime.Goexit() }

// fake is a store with a backend of a test's own.
func fake[TTx any](b store.Backend[TTx]) durable.Store[TTx] { return store.NewHandle(b) }
