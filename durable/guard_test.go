package durable_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// meddled changes something between what the rescue reads and what it writes.
type meddled[TTx any] struct {
	store.Backend[TTx]

	meddle func()
}

func (m meddled[TTx]) Stuck(ctx context.Context, self string, horizon time.Duration, after int64, limit int) ([]store.Stuck, error) {
	list, err := m.Backend.Stuck(ctx, self, horizon, after, limit)
	m.meddle()
	return list, err
}

// crashed enqueues jobs and plays that their process died in their last attempt.
func crashed[TTx any](t *testing.T, e env[TTx], kind string, n int) []int64 {
	t.Helper()
	q := newQueue[int](t, newJobs(t, e.store, durable.EnqueueOnly), kind, nil, durable.QueueConfig[int]{Retry: once})
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = enqueue(t, q, i)
	}
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=1, attempted_by="+e.by+", attempted_at='"+utc(-3*time.Minute)+"' WHERE kind='"+kind+"'"))
	return ids
}

// lookTwice is what the rescue of a process does in its first 20 seconds.
func lookTwice[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	_, err := jobs.Client()
	must(t, err)
	for range 2 {
		must(t, durable.Rescue(t.Context(), jobs))
	}
}

func rescueSparesWhatChanged[TTx any](t *testing.T, e env[TTx]) {
	for what, change := range map[string]string{
		"completed":    "state='completed', finalized_at=attempted_at",
		"failed":       "state='retryable'",
		"tried again":  "attempt=2, attempted_at='" + utc(0) + "'",
		"lost, but it": "attempt=2", // is as old, and another attempt
	} {
		id := crashed(t, e, "late", 1)[0]
		looks := 0
		jobs := newJobs(t, fake[TTx](meddled[TTx]{store.Of(e.store), func() {
			if looks++; looks == 2 {
				must(t, e.exec(t.Context(), "UPDATE river_job SET "+change))
			}
		}}), durable.EnqueueAndWork)
		newQueue(t, jobs, "late", nothing[int], durable.QueueConfig[int]{OnGiveUp: func(_ context.Context, _ int, err error) {
			t.Errorf("%s: told of %v", what, err)
		}})
		lookTwice(t, jobs)
		if row, err := durable.Get(t.Context(), jobs, id); err != nil || row.State == rivertype.JobStateDiscarded || len(row.Errors) != 0 {
			t.Errorf("%s: %+v, %v", what, row, err)
		}
		must(t, e.exec(t.Context(), "DELETE FROM river_job"))
	}
}

func rescueTellsOnce[TTx any](t *testing.T, e env[TTx]) {
	const n = 50
	var told atomic.Int32
	ids := crashed(t, e, "many", n)
	var all sync.WaitGroup
	var each []*durable.Jobs[TTx]
	var q *durable.Queue[int]
	for range 3 {
		jobs := newJobs(t, e.again(t), durable.EnqueueAndWork)
		q = newQueue(t, jobs, "many", nothing[int], durable.QueueConfig[int]{OnGiveUp: func(context.Context, int, error) { told.Add(1) }})
		_, err := jobs.Client()
		must(t, err)
		all.Go(func() {
			for range 3 {
				if err := durable.Rescue(t.Context(), jobs); err != nil {
					t.Error(err)
				}
			}
		})
		each = append(each, jobs)
	}
	all.Wait()
	for _, jobs := range each {
		durable.Record(t.Context(), jobs)
	}
	if sum := ended(t, q); sum != (durable.Ends{GaveUp: n}) {
		t.Errorf("the store counted %+v", sum)
	}
	if told.Load() != n {
		t.Errorf("told %d times of %d jobs", told.Load(), n)
	}
	for _, id := range ids {
		row, err := durable.Get(t.Context(), each[0], id)
		must(t, err)
		if row.State != rivertype.JobStateDiscarded || len(row.Errors) != 1 {
			t.Errorf("%s with %d errors", row.State, len(row.Errors))
		}
	}
}

// The queue has a long timeout in the process that runs the job, and a short one in
// those that look.
func rescueHorizon[TTx any](t *testing.T, e env[TTx]) {
	begun, end := make(chan struct{}, 9), make(chan struct{})
	patient := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, patient, "slow", func(context.Context, int) error {
		begun <- struct{}{}
		<-end
		return nil
	}, durable.QueueConfig[int]{Timeout: 10 * time.Minute})
	durable.SetBeat(patient, time.Hour) // or it would be seen again
	start(t, patient)
	until(t, "it is seen", func() bool { return len(patient.Instances()) == 1 })
	id := enqueue(t, q, 1)
	receive(t, begun)
	hasty := newJobs(t, e.again(t), durable.EnqueueAndWork)
	newQueue[int](t, hasty, "slow", nil, durable.QueueConfig[int]{Timeout: time.Second})
	look := func(what string, age time.Duration, who *durable.Jobs[TTx], lost bool) {
		t.Helper()
		must(t, e.exec(t.Context(), "UPDATE river_job SET attempted_at='"+utc(-age)+"'"))
		lookTwice(t, who)
		// One that is lost may have begun again.
		if row, err := durable.Get(t.Context(), hasty, id); err != nil || (len(row.Errors) == 1) != lost || !lost && row.State != rivertype.JobStateRunning {
			t.Errorf("%s: %+v, %v", what, row, err)
		}
	}
	look("a job of a process that lives", 5*time.Minute, hasty, false)
	look("one that ignores its timeout", time.Hour, hasty, false)
	look("its own", time.Hour, patient, false)
	must(t, e.exec(t.Context(), e.age))
	look("not seen, within its horizon", 5*time.Minute, hasty, false)
	look("not seen, beyond it", 12*time.Minute, hasty, true)
	close(end)
}

// What was to be written about a job got lost, or the answer to the fetch did: the
// process lives, and nobody else may say so.
func rescueOfItsOwn[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "own", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	until(t, "it is seen", func() bool { return len(jobs.Instances()) == 1 })
	id := enqueue(t, q, 1)
	inState(t, jobs, id, rivertype.JobStateCompleted)
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', finalized_at=NULL, attempted_at='"+utc(-time.Hour)+"'"))
	lookTwice(t, jobs)
	if row := inState(t, jobs, id, rivertype.JobStateCompleted); row.Attempt != 2 || len(row.Errors) != 1 {
		t.Errorf("%+v", row)
	}
}

func completeTxForgotten[TTx any](t *testing.T, e env[TTx]) {
	must(t, e.exec(t.Context(), "CREATE TABLE ledger (entry text)"))
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	gaveUp := make(chan error, 1)
	q := newQueue(t, jobs, "books", func(ctx context.Context, commit bool) error {
		tx, err := e.begin(ctx)
		if err != nil {
			return err
		}
		return errors.Join(durable.CompleteTx(ctx, tx), e.end(ctx, tx, commit))
	}, durable.QueueConfig[bool]{Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond},
		OnGiveUp: func(_ context.Context, _ bool, err error) { gaveUp <- err }})
	start(t, jobs)
	inState(t, jobs, enqueue(t, q, true), rivertype.JobStateCompleted)
	forgot := inState(t, jobs, enqueue(t, q, false), rivertype.JobStateDiscarded)
	const what = "the handler completed its job with CompleteTx and returned nil, but did not commit the transaction"
	if len(forgot.Errors) != 2 || forgot.Errors[0].Error != what {
		t.Errorf("%+v", forgot.Errors)
	}
	receive(t, gaveUp)
	if s := q.Stats(); s.Handled != 1 || s.GaveUp != 1 {
		t.Errorf("%+v", s)
	}
}

// A handler goes on after its process was stopped for so long that its job was rescued
// and runs elsewhere: that it ends must not end the other attempt, however it ends.
func outcomeOfARescuedJob[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	bad := errors.New("bad")
	var q *durable.Queue[string]
	q = newQueue(t, jobs, "late", func(ctx context.Context, how string) error {
		err := e.exec(context.WithoutCancel(ctx), "UPDATE river_job SET attempt=2 WHERE state='running'")
		durable.WasMissed(jobs)
		if how == "then" {
			return errors.Join(err, durable.Then(ctx, q, "more"))
		}
		return errors.Join(err, map[string]error{"fails": bad, "permanently": channelq.Permanent(bad)}[how])
	}, durable.QueueConfig[string]{Concurrency: 1, OnGiveUp: func(context.Context, string, error) { t.Error("given up") }})
	witness := newQueue(t, jobs, "witness", nothing[int], durable.QueueConfig[int]{})
	start(t, jobs)
	for i, how := range []string{"succeeds", "fails", "permanently", "then"} {
		id := enqueue(t, q, how)
		until(t, how, func() bool { return q.Stats().Handle.Count == uint64(i)+1 && q.Stats().InProgress == 0 })
		for range 3 { // what the engine has to write is written together
			inState(t, jobs, enqueue(t, witness, 1), rivertype.JobStateCompleted)
		}
		if row, err := durable.Get(t.Context(), jobs, id); err != nil || row.State != rivertype.JobStateRunning || row.Attempt != 2 || len(row.Errors) != 0 {
			t.Errorf("%s: %+v, %v", how, row, err)
		}
	}
	if s := q.Stats(); s.Handled != 0 || s.GaveUp != 0 {
		t.Errorf("%+v", s)
	}
}
