package durable_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/postgres"
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

// openPostgres gives each test a schema of its own, which the store's connections do not
// have in their search_path.
func openPostgres(t *testing.T) env[pgx.Tx] {
	t.Helper()
	url := os.Getenv("STEAD_TEST_POSTGRES")
	if url == "" {
		t.Skip("STEAD_TEST_POSTGRES is not set")
	}
	schema := "t" + rand.Text()
	cfg, err := pgxpool.ParseConfig(url)
	must(t, err)
	cfg.ConnConfig.RuntimeParams["search_path"] = `"` + schema + `"`
	beside, err := pgxpool.NewWithConfig(context.Background(), cfg)
	must(t, err)
	t.Cleanup(beside.Close)
	open := func(t *testing.T) *postgres.Store {
		t.Helper()
		s, err := postgres.Open(context.Background(), url, postgres.Schema(schema))
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
	s := open(t)
	exec := func(ctx context.Context, statement string) error {
		_, err := beside.Exec(ctx, statement)
		return err
	}
	t.Cleanup(func() {
		err := exec(context.Background(), `DROP SCHEMA "`+schema+`" CASCADE`)
		for try := 0; try < 5 && err != nil && strings.Contains(err.Error(), "deadlock"); try++ {
			// A statement that the end of its context cut may go on in the server for a moment.
			err = exec(context.Background(), `DROP SCHEMA "`+schema+`" CASCADE`)
		}
		must(t, err)
	})
	must(t, durable.Migrate(t.Context(), s))
	return env[pgx.Tx]{
		store: s, schema: schema,
		begin: func(ctx context.Context) (pgx.Tx, error) { return s.Pool().Begin(ctx) },
		end: func(ctx context.Context, tx pgx.Tx, commit bool) error {
			if commit {
				return tx.Commit(ctx)
			}
			return tx.Rollback(ctx)
		},
		exec: exec,
		age:  "UPDATE stead_instance SET seen = seen - interval '61 seconds'",
		by:   "'{the dead}'",
		old: `INSERT INTO stead_hour SELECT 'numbers', date_trunc('hour', now()) - make_interval(days => CASE WHEN n < 50 THEN 25 ELSE 31 END, hours => n), 1, 0, 0
				FROM generate_series(0, 699) AS n;
			INSERT INTO stead_audit (id, at, actor, action, kind, name, job, count, detail) OVERRIDING SYSTEM VALUE
				SELECT n - 1000, now() - make_interval(days => CASE WHEN n < 550 THEN 91 ELSE 89 END), '', '', '', '', 0, 0, '' FROM generate_series(0, 599) AS n`,
		wish:  `metadata || '{"cancel_attempted_at": "2026-01-01T00:00:00Z"}'::jsonb`,
		again: func(t *testing.T) durable.Store[pgx.Tx] { t.Helper(); return open(t) },
	}
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
