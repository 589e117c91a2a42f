package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/lifecycle"
)

func states(all ...string) channelq.JobFilter { return channelq.JobFilter{States: all} }

// wantJobs checks how many jobs a filter selects. On a machine that is busy one count may
// not get to the end.
func wantJobs[T any](t *testing.T, q *durable.Queue[T], f channelq.JobFilter, want int) {
	t.Helper()
	var n int
	until(t, "all are counted", func() bool {
		var exact bool
		var err error
		n, exact, err = q.CountJobs(t.Context(), f)
		must(t, err)
		return exact
	})
	if n != want {
		t.Errorf("%+v: there are %d, want %d", f, n, want)
	}
}

// Jobs that are requeued and fail again at once are requeued once.
func requeuesAll[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var calls atomic.Int64
	q := newQueue(t, jobs, "failing", func(context.Context, int) error {
		calls.Add(1)
		return channelq.Permanent(errors.New("no paper"))
	}, durable.QueueConfig[int]{Concurrency: 8})
	other := newQueue[int](t, jobs, "other", nil, durable.QueueConfig[int]{})
	const n = 60
	for _, q := range []*durable.Queue[int]{q, other} {
		_, err := q.EnqueueAll(t.Context(), make([]int, n), durable.In(time.Hour))
		must(t, err)
	}
	endAgo(t, e, "true", time.Hour, "no ink")
	start(t, jobs)
	var told []int
	done, skipped, err := q.RequeueJobs(t.Context(), states("discarded", "cancelled"), func(done, skipped int) { told = append(told, done+skipped) })
	if done != n || skipped != 0 || err != nil {
		t.Errorf("%d requeued, %d skipped, %v", done, skipped, err)
	}
	if !slices.Equal(told, []int{n}) {
		t.Errorf("it was at %v", told)
	}
	until(t, "all have failed again", func() bool { return q.States()["cancelled"] == n })
	if calls.Load() != n {
		t.Errorf("%d attempts of %d jobs", calls.Load(), n)
	}
	wantJobs(t, other, states("discarded"), n)
}

func skipsWhatItCannotRequeue[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "mixed", nil, durable.QueueConfig[int]{})
	for i := range 20 {
		enqueue(t, q, i)
	}
	spoiled := enqueue(t, q, 20)
	held := enqueue(t, q, 21, durable.Unique("k"))
	endAgo(t, e, "true", time.Hour, "no ink")
	live := enqueue(t, q, 22, durable.Unique("k"), durable.In(time.Hour))
	waits := enqueue(t, q, 23, durable.After(live))
	spoil := "metadata = '[]', max_attempts = 32767, attempt = 32767" // one more is no smallint
	if _, ok := any(e.store).(*postgres.Store); !ok {
		spoil = "metadata = '{'"
	}
	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET %s WHERE id = %d", spoil, spoiled)))
	want := 2
	if _, ok := any(e.store).(*postgres.Store); ok { // a SQLite file has one writer
		tx, err := e.begin(t.Context())
		must(t, err)
		defer func() { must(t, e.end(context.WithoutCancel(t.Context()), tx, false)) }()
		lockRow(t, tx, e.schema, held-10)
		want = 3
	}
	if done, skipped, err := q.RequeueJobs(t.Context(), states("discarded"), nil); done != 22-want || skipped != want || err != nil {
		t.Errorf("%d requeued, %d skipped, %v", done, skipped, err)
	}
	if done, skipped, err := q.RequeueJobs(t.Context(), states("scheduled"), nil); done != 1 || skipped != 1 || err != nil {
		t.Errorf("%d requeued, %d skipped, %v", done, skipped, err)
	}
	if row, err := durable.Get(t.Context(), jobs, waits); err != nil || row.State != rivertype.JobStateScheduled {
		t.Errorf("what waits for another job is %+v, %v", row, err)
	}
}

// What was tried again between the look and the change of a piece is not tried a third time,
// as of two people who requeue the same jobs at once.
func sparesWhatWasTriedMeanwhile[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "failing", nil, durable.QueueConfig[int]{})
	_, err := q.EnqueueAll(t.Context(), make([]int, 510))
	must(t, err)
	endAgo(t, e, "true", time.Hour, "no ink")
	var others int
	done, skipped, err := q.RequeueJobs(t.Context(), states("discarded"), func(int, int) {
		if others == 0 {
			others, _, err = q.RequeueJobs(t.Context(), states("discarded"), nil)
			must(t, err)
			endAgo(t, e, "state = 'available'", -2*time.Second, "no ink either")
		}
	})
	if done != 500 || others != 10 || skipped != 10 || err != nil {
		t.Errorf("%d requeued, %d by another, %d skipped, %v", done, others, skipped, err)
	}
}

// contested is a store whose first transactions that are begun in a bulk end as in a deadlock.
type contested struct {
	store.Backend[*sql.Tx]

	left *atomic.Int32
}

type contestedDriver struct {
	riverdriver.Driver[*sql.Tx]

	left *atomic.Int32
}

type contestedExecutor struct {
	riverdriver.Executor

	left *atomic.Int32
}

type contestedTx struct {
	riverdriver.ExecutorTx

	left *atomic.Int32
}

type deadlock struct{ error }

func (deadlock) SQLState() string { return "40P01" }

func (s contested) Driver() riverdriver.Driver[*sql.Tx] {
	return contestedDriver{s.Backend.Driver(), s.left}
}

func (d contestedDriver) GetExecutor() riverdriver.Executor {
	return contestedExecutor{d.Driver.GetExecutor(), d.left}
}

func (e contestedExecutor) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := e.Executor.Begin(ctx)
	return contestedTx{tx, e.left}, err
}

func (t contestedTx) Commit(ctx context.Context) error {
	if t.left.Add(-1) >= 0 {
		return deadlock{errors.Join(errors.New("deadlock detected"), t.Rollback(ctx))}
	}
	return t.ExecutorTx.Commit(ctx)
}

// Two who end jobs that others follow may meet in a deadlock: PostgreSQL then ends one of them.
func TestADeadlockDoesNotEndABulkAction(t *testing.T) {
	e := openSQLite(t)
	var left atomic.Int32
	jobs := newJobs(t, fake[*sql.Tx](contested{store.Of(e.store), &left}), durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "usual", nil, durable.QueueConfig[int]{})
	_, err := q.EnqueueAll(t.Context(), make([]int, 3))
	must(t, err)
	left.Store(2)
	if done, skipped, err := q.CancelJobs(t.Context(), states("available"), nil); done != 3 || skipped != 0 || err != nil || left.Load() >= 0 {
		t.Errorf("%d canceled, %d skipped, %v; %d deadlocks left", done, skipped, err, left.Load())
	}
	wantJobs(t, q, states("cancelled"), 3)
}

// lockRow changes a row in a transaction that stays open.
func lockRow(t *testing.T, tx any, schema string, id int64) {
	t.Helper()
	_, err := tx.(pgx.Tx).Exec(t.Context(), store.Qualify(schema, "UPDATE river_job SET priority = 2 WHERE id = $1"), id)
	must(t, err)
}

func cancelsAndDiscardsAll[TTx any](t *testing.T, e env[TTx]) {
	var log lockedBuffer
	jobs := loggedJobs(t, e.store, durable.EnqueueAndWork, &log)
	began, ended := make(chan struct{}, 1), make(chan error, 1)
	q := newQueue(t, jobs, "long", func(ctx context.Context, _ int) error {
		began <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}, durable.QueueConfig[int]{Concurrency: 1})
	enqueue(t, q, 0)
	start(t, jobs)
	receive(t, began)
	for i := range 30 {
		enqueue(t, q, i, durable.In(time.Duration(i%2)*time.Hour))
	}
	all := states("available", "scheduled", "running")
	wantJobs(t, q, all, 31)
	if done, skipped, err := q.CancelJobs(t.Context(), all, nil); done != 31 || skipped != 0 || err != nil {
		t.Errorf("%d canceled, %d skipped, %v", done, skipped, err)
	}
	if why := receive(t, ended); !errors.Is(why, durable.ErrCancelled) {
		t.Errorf("the handler ended with %v", why)
	}
	until(t, "all are canceled", func() bool { return q.States()["cancelled"] == 31 })
	until(t, "all are counted", func() bool {
		list, err := q.History(t.Context(), time.Time{})
		must(t, err)
		n := uint64(0)
		for _, h := range list {
			n += uint64(h.Canceled)
		}
		return n == 31 || n > 31 && inDoubt(&log)
	})
	expected := 0
	for _, f := range failuresOf(t, q, 31) {
		if lifecycle.IsExpected(f.Err) {
			expected++
		}
	}
	if expected != 31 { // whatever the handler's error was
		t.Errorf("%d of 31 that were canceled by hand turn no page red", expected)
	}
	f := states("cancelled")
	f.Error = "cancel"
	if done, skipped, err := q.DiscardJobs(t.Context(), f, nil); done != 1 || skipped != 0 || err != nil { // the handler's
		t.Errorf("%d discarded, %d skipped, %v", done, skipped, err)
	}
	if done, _, err := q.DiscardJobs(t.Context(), states("cancelled", "completed"), nil); done != 30 || err != nil {
		t.Errorf("%d discarded, %v", done, err)
	}
	wantJobs(t, q, channelq.JobFilter{}, 0)
}

func stopsBetweenPieces[TTx any](t *testing.T, e env[TTx]) {
	fill(t, e, 1200)
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "usual", nil, durable.QueueConfig[int]{})
	ctx, stop := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	done, skipped, err := q.DiscardJobs(ctx, states("completed"), func(int, int) { stop(why) })
	if done != 500 || skipped != 0 || !errors.Is(err, why) {
		t.Errorf("%d discarded, %d skipped, %v", done, skipped, err)
	}
	wantJobs(t, q, states("completed"), 1080-500)
	var told []int
	done, _, err = q.DiscardJobs(t.Context(), states("completed"), func(done, _ int) { told = append(told, done) })
	if done != 580 || err != nil || !slices.Equal(told, []int{500, 580}) {
		t.Errorf("%d discarded, it was at %v: %v", done, told, err)
	}
}

func requeuesIntoKeys[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var running, most atomic.Int64
	q := newQueue(t, jobs, "keyed", func(context.Context, string) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		time.Sleep(time.Millisecond)
		return nil
	}, durable.QueueConfig[string]{Key: func(s string) string { return s }, Concurrency: 4})
	for range 20 {
		enqueue(t, q, "k", durable.In(time.Hour))
	}
	endAgo(t, e, "true", time.Hour, "no ink")
	start(t, jobs)
	if done, skipped, err := q.RequeueJobs(t.Context(), states("discarded"), nil); done != 20 || skipped != 0 || err != nil {
		t.Errorf("%d requeued, %d skipped, %v", done, skipped, err)
	}
	until(t, "all are handled", func() bool { return q.States()["completed"] == 20 })
	if most.Load() != 1 {
		t.Errorf("%d of a key ran at once", most.Load())
	}
}
