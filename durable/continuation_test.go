package durable_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

var once = channelq.Retry{Attempts: 1}

func thenWithTheCompletion[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.WorkOnly)
	got := make(chan string, 9)
	next := newQueue(t, jobs, "next", func(_ context.Context, s string) error { got <- s; return nil }, durable.QueueConfig[string]{})
	var tries atomic.Int32
	newQueue(t, jobs, "first", func(ctx context.Context, s string) error {
		n := tries.Add(1)
		err := durable.Then(ctx, next, map[bool]string{true: "of the failure", false: s}[n == 1])
		if err == nil && n == 1 {
			err = errors.New("after Then")
		}
		for range 2 {
			err = errors.Join(err, durable.Then(ctx, next, s+" again", durable.Unique("again")))
		}
		return err
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Initial: time.Millisecond}})
	writer := newJobs(t, e.store, durable.EnqueueOnly)
	first := newQueue[string](t, writer, "first", nil, durable.QueueConfig[string]{})
	start(t, jobs)
	inState(t, jobs, enqueue(t, first, "item"), rivertype.JobStateCompleted)
	items := map[string]bool{receive(t, got): true, receive(t, got): true}
	if !items["item"] || !items["item again"] {
		t.Errorf("continued with %v", items)
	}
	rows, err := durable.List(t.Context(), next, 10)
	must(t, err)
	if n := next.Stats().Accepted; len(rows) != 2 || n != 2 {
		t.Errorf("%d rows, %d accepted", len(rows), n)
	}
}

// A handler that is slower than the rescue believes completes a job that is not
// its own any more: then nothing may follow, as it follows the other attempt.
func thenOfALostJob[TTx any](t *testing.T, e env[TTx]) {
	for what, change := range map[string]string{
		"rescued":             "UPDATE river_job SET state='retryable', scheduled_at='2999-01-01 00:00:00'",
		"running elsewhere":   "UPDATE river_job SET attempt=2",
		"completed elsewhere": "UPDATE river_job SET state='completed', attempt=2, finalized_at='2999-01-01 00:00:00'",
		"and deleted":         "DELETE FROM river_job",
	} {
		jobs := newJobs(t, e.store, durable.EnqueueAndWork)
		next := newQueue[string](t, jobs, "next", nil, durable.QueueConfig[string]{})
		results := make(chan error, 1)
		q := newQueue(t, jobs, "slow", func(ctx context.Context, _ string) error {
			err := e.exec(context.WithoutCancel(ctx), change+" WHERE state='running'")
			results <- errors.Join(err, durable.Then(ctx, next, "x"))
			return err
		}, durable.QueueConfig[string]{Retry: once})
		start(t, jobs)
		enqueue(t, q, "item")
		must(t, receive(t, results))
		until(t, "the attempt is over", func() bool { return q.Stats().InProgress == 0 })
		if s := q.Stats(); s.Handled != 0 || s.GaveUp != 0 || s.Handle.Count != 1 {
			t.Errorf("%s: %+v", what, s)
		}
		rows, err := durable.List(t.Context(), next, 10)
		must(t, err)
		if len(rows) != 0 || next.Stats().Accepted != 0 {
			t.Errorf("%s: continued all the same", what)
		}
		stop(t, jobs)
		must(t, e.exec(t.Context(), "DELETE FROM river_job"))
	}
}

func thenElsewhere[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	contexts := make(chan context.Context, 1)
	q := newQueue(t, jobs, "first", func(ctx context.Context, _ string) error { contexts <- ctx; return nil }, durable.QueueConfig[string]{})
	functions := newQueue[func()](t, jobs, "functions", nil, durable.QueueConfig[func()]{})
	refused := make(chan error, 1)
	newQueue(t, jobs, "wrong", func(ctx context.Context, _ string) error {
		refused <- durable.Then(ctx, functions, func() {})
		return nil
	}, durable.QueueConfig[string]{})
	other := newQueue[string](t, newJobs(t, e.store, durable.EnqueueOnly), "first", nil, durable.QueueConfig[string]{})
	start(t, jobs)
	done := inState(t, jobs, enqueue(t, q, "x"), rivertype.JobStateCompleted)
	after := receive(t, contexts)
	tx, err := e.begin(t.Context())
	must(t, err)
	for what, err := range map[string]error{
		"outside":        durable.Then(t.Context(), q, "x"),
		"after the end":  durable.Then(after, q, "x"),
		"to other jobs":  durable.Then(after, other, "x"),
		"to nobody":      durable.Then[string](after, nil, "x"),
		"transaction":    durable.CompleteTx(t.Context(), tx),
		"transaction of": durable.CompleteTx(after, tx),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "stead/durable: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, e.end(t.Context(), tx, false))
	client, err := jobs.Client()
	must(t, err)
	_, err = client.JobGet(t.Context(), done.ID)
	must(t, err)
}

func completeTx[TTx any](t *testing.T, e env[TTx]) {
	must(t, e.exec(t.Context(), "CREATE TABLE ledger (entry text)"))
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var tries atomic.Int32
	var q, next *durable.Queue[string]
	results := make(chan error, 9)
	book := func(ctx context.Context, item string) error {
		tx, err := e.begin(ctx)
		if err != nil {
			return err
		}
		_, err = durable.EnqueueTx(ctx, tx, next, item)
		commit := tries.Add(1) == 2
		err = errors.Join(err, durable.CompleteTx(ctx, tx))
		results <- errors.Join(err, e.end(ctx, tx, commit))
		if durable.Then(ctx, next, item) == nil {
			return errors.New("Then was accepted too")
		}
		return errors.New("whatever it says now") // counts only as long as nothing is committed
	}
	next = newQueue[string](t, jobs, "next", nil, durable.QueueConfig[string]{})
	q = newQueue(t, jobs, "books", book, durable.QueueConfig[string]{Retry: channelq.Retry{Attempts: 5, Initial: time.Millisecond}})
	start(t, jobs)
	id := enqueue(t, q, "x")
	for range 2 {
		must(t, receive(t, results))
	}
	row := inState(t, jobs, id, rivertype.JobStateCompleted)
	until(t, "the attempt is over", func() bool { return q.Stats().InProgress == 0 })
	rows, err := durable.List(t.Context(), next, 10)
	must(t, err)
	if row.Attempt != 2 || len(row.Errors) != 1 || len(rows) != 1 {
		t.Errorf("attempt %d, errors %v, %d rows follow", row.Attempt, row.Errors, len(rows))
	}
	if row, err = durable.Get(t.Context(), jobs, id); err != nil || row.State != rivertype.JobStateCompleted {
		t.Errorf("%v, %v", row, err)
	}
}

func bulk[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue[any](t, jobs, "many", nil, durable.QueueConfig[any]{})
	count := func() int {
		rows, err := durable.List(context.Background(), q, 10_000)
		must(t, err)
		return len(rows)
	}
	many := make([]any, 200)
	n, err := q.EnqueueAll(t.Context(), many, durable.Priority(2))
	if err != nil || n != 200 || count() != 200 || q.Stats().Accepted != 200 {
		t.Errorf("%d, %v, %d there", n, err, count())
	}
	if n, err := q.EnqueueAll(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("none: %d, %v", n, err)
	}
	if n, err := q.EnqueueAll(t.Context(), []any{1, func() {}}); n != 0 || err == nil {
		t.Errorf("one that cannot be stored: %d, %v", n, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if n, err := q.EnqueueAll(ended, many); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %d, %v", n, err)
	}
	if n, err := q.EnqueueAll(t.Context(), []any{1, 2}, durable.Unique("one")); n != 0 || err == nil {
		t.Errorf("one key for many: %d, %v", n, err)
	}
	for i, commit := range []bool{false, true} {
		tx, err := e.begin(t.Context())
		must(t, err)
		_, err = durable.EnqueueAllTx(t.Context(), tx, q, []any{1, 2})
		must(t, err)
		must(t, e.end(t.Context(), tx, commit))
		if n := count(); n != 200+2*i {
			t.Errorf("%d there after the transaction, committed: %v", n, commit)
		}
	}
}

// refuseRows makes the store refuse jobs of which a column is something.
func refuseRows[TTx any](t *testing.T, e env[TTx], column, is string) {
	t.Helper()
	statement := "ALTER TABLE river_job ADD CONSTRAINT enough CHECK (NOT (" + column + " " + is + "))"
	if store.Of(e.store).Driver().DatabaseName() == "sqlite" {
		statement = "CREATE TRIGGER enough AFTER INSERT ON river_job WHEN NEW." + column + " " + is + " BEGIN SELECT RAISE(ABORT, 'enough'); END"
	}
	must(t, e.exec(t.Context(), statement))
}

// bulkFails has a store that takes the first 500 jobs: the first piece.
func bulkFails[TTx any](t *testing.T, e env[TTx]) {
	refuseRows(t, e, "id", "> 500")
	q := newQueue[int](t, newJobs(t, e.store, durable.EnqueueOnly), "many", nil, durable.QueueConfig[int]{})
	n, err := q.EnqueueAll(t.Context(), make([]int, 1200))
	if n != 500 || err == nil || !strings.Contains(err.Error(), "items from 500 on") {
		t.Errorf("%d, %v", n, err)
	}
	rows, err := durable.List(t.Context(), q, 10_000)
	must(t, err)
	if len(rows) != 500 || q.Stats().Accepted != 500 {
		t.Errorf("%d there, %d accepted", len(rows), q.Stats().Accepted)
	}
}

// Whoever was told that the job failed for good would do what is done already.
func completedAndFailed[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	gaveUp := make(chan error, 2)
	q := newQueue(t, jobs, "own", func(ctx context.Context, commit bool) error {
		tx, err := e.begin(ctx)
		if err != nil {
			return err
		}
		if err := durable.CompleteTx(ctx, tx); err != nil {
			return err
		}
		return errors.Join(e.end(ctx, tx, commit), errors.New("too late"))
	}, durable.QueueConfig[bool]{
		Retry: channelq.Retry{Attempts: 1}, OnGiveUp: func(_ context.Context, _ bool, err error) { gaveUp <- err },
	})
	start(t, jobs)
	done := enqueue(t, q, true)
	until(t, "the handler has returned", func() bool { return q.Stats().Handle.Count == 1 && q.Stats().InProgress == 0 })
	inState(t, jobs, done, rivertype.JobStateCompleted)
	inState(t, jobs, enqueue(t, q, false), rivertype.JobStateDiscarded)
	if s := q.Stats(); s.Handled != 1 || s.GaveUp != 1 || len(gaveUp) != 1 {
		t.Errorf("handled %d, gave up %d, told %d times", s.Handled, s.GaveUp, len(gaveUp))
	}
}
