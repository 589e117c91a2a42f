package durable_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
)

func nothing[T any](context.Context, T) error { return nil }

func transaction[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	got := make(chan string, 9)
	q := newQueue(t, jobs, "tx", func(_ context.Context, s string) error { got <- s; return nil }, durable.QueueConfig[string]{})
	start(t, jobs)
	for _, commit := range []bool{false, true} {
		tx, err := e.begin(t.Context())
		must(t, err)
		item := map[bool]string{false: "rolled back", true: "committed"}[commit]
		_, err = durable.EnqueueTx(t.Context(), tx, q, item)
		must(t, err)
		if len(got) != 0 {
			t.Error("ran before the transaction ended")
		}
		must(t, e.end(t.Context(), tx, commit))
	}
	if item := receive(t, got); item != "committed" {
		t.Errorf("%s ran", item)
	}
	rows, err := durable.List(t.Context(), q, 10)
	must(t, err)
	if len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

func delayed[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	started := make(chan time.Time, 2)
	q := newQueue(t, jobs, "later", func(context.Context, string) error { started <- time.Now(); return nil }, durable.QueueConfig[string]{})
	start(t, jobs)
	due := time.Now().Add(300 * time.Millisecond)
	enqueue(t, q, "x", durable.At(due))
	enqueue(t, q, "x", durable.In(300*time.Millisecond))
	for range 2 {
		// A millisecond is what the stores round to.
		if at := receive(t, started); at.Before(due.Add(-time.Millisecond)) {
			t.Errorf("%v early", due.Sub(at))
		}
	}
}

func unique[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "single", nothing[int], durable.QueueConfig[int]{})
	other := newQueue[int](t, jobs, "other", nil, durable.QueueConfig[int]{})
	var fresh atomic.Int32
	var wg sync.WaitGroup
	ids := make(chan int64, 100)
	for i := range 100 {
		wg.Go(func() {
			r, err := q.EnqueueWith(context.Background(), i, durable.Unique("key"))
			if err != nil {
				t.Error(err)
			}
			if !r.Duplicate {
				fresh.Add(1)
			}
			ids <- r.ID
		})
	}
	wg.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			t.Errorf("job %d beside %d", id, first)
		}
	}
	if fresh.Load() != 1 {
		t.Errorf("%d were new", fresh.Load())
	}
	for q, opt := range map[*durable.Queue[int]]string{q: "another key", other: "key"} {
		if r, err := q.EnqueueWith(t.Context(), 1, durable.Unique(opt)); err != nil || r.Duplicate {
			t.Errorf("%s %q: %+v, %v", q.Name(), opt, r, err)
		}
	}
	start(t, jobs)
	inState(t, jobs, first, rivertype.JobStateCompleted)
	if r, err := q.EnqueueWith(t.Context(), 1, durable.Unique("key")); err != nil || r.Duplicate {
		t.Errorf("after completion: %+v, %v", r, err)
	}
}

func priority[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	order := make(chan int, 20)
	q := newQueue(t, jobs, "ranked", func(_ context.Context, p int) error { order <- p; return nil }, durable.QueueConfig[int]{Concurrency: 1})
	for range 9 {
		enqueue(t, q, 4, durable.Priority(4))
	}
	enqueue(t, q, 1, durable.Priority(1))
	start(t, jobs)
	if p := receive(t, order); p != 1 {
		t.Errorf("priority %d came first", p)
	}
	for _, p := range []int{0, 5} {
		if _, err := q.EnqueueWith(t.Context(), 0, durable.Priority(p)); err == nil {
			t.Errorf("priority %d was accepted", p)
		}
	}
	if _, err := q.EnqueueWith(t.Context(), 0, durable.Unique("")); err == nil {
		t.Error("an empty key was accepted")
	}
}

func pause[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var paused atomic.Bool
	q := newQueue(t, jobs, "stopgo", func(context.Context, string) error {
		if paused.Load() {
			t.Error("taken while paused")
		}
		return nil
	}, durable.QueueConfig[string]{})
	witness := newQueue(t, jobs, "witness", nothing[string], durable.QueueConfig[string]{})
	start(t, jobs)
	inState(t, jobs, enqueue(t, q, "before"), rivertype.JobStateCompleted)
	// The engine passes a pause on to the one who fetches; until it has, a job may
	// still be taken.
	client, err := jobs.Client()
	must(t, err)
	events, unsubscribe := client.Subscribe(river.EventKindQueuePaused, river.EventKindQueueResumed)
	defer unsubscribe()
	told := func(kind river.EventKind) {
		for receive(t, events).Kind != kind {
			continue
		}
	}
	until(t, "the queue is known", func() bool { q.Pause(); return q.Paused() })
	told(river.EventKindQueuePaused)
	q.Resume()
	told(river.EventKindQueueResumed)
	q.Pause()
	told(river.EventKindQueuePaused)
	paused.Store(true)
	id := enqueue(t, q, "while paused")
	for range 5 { // the other queue shows that time passes for the fetchers
		inState(t, jobs, enqueue(t, witness, "x"), rivertype.JobStateCompleted)
	}
	row, err := durable.Get(t.Context(), jobs, id)
	must(t, err)
	if row.State != rivertype.JobStateAvailable {
		t.Errorf("state %s", row.State)
	}
	paused.Store(false)
	q.Resume()
	inState(t, jobs, id, rivertype.JobStateCompleted)
	until(t, "it is not paused any more", func() bool { return !q.Paused() })
}

func cancel[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun := make(chan struct{})
	q := newQueue(t, jobs, "endless", func(ctx context.Context, _ string) error {
		close(begun)
		<-ctx.Done()
		return context.Cause(ctx)
	}, durable.QueueConfig[string]{})
	waiting := enqueue(t, q, "x", durable.In(time.Hour))
	start(t, jobs)
	running := enqueue(t, q, "x")
	receive(t, begun)
	if _, err := durable.Delete(t.Context(), jobs, running); !errors.Is(err, rivertype.ErrJobRunning) {
		t.Errorf("deleting a running job: %v", err)
	}
	for _, id := range []int64{waiting, running} {
		_, err := durable.Cancel(t.Context(), jobs, id)
		must(t, err)
		inState(t, jobs, id, rivertype.JobStateCancelled)
	}
	_, err := durable.Delete(t.Context(), jobs, waiting)
	must(t, err)
	if _, err := durable.Get(t.Context(), jobs, waiting); !errors.Is(err, river.ErrNotFound) {
		t.Errorf("after delete: %v", err)
	}
}

func concurrency[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var now, most, done atomic.Int32
	q := newQueue(t, jobs, "three", func(context.Context, int) error {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		done.Add(1)
		time.Sleep(time.Millisecond) // gives a fourth the time to be seen
		return nil
	}, durable.QueueConfig[int]{Concurrency: 3})
	for i := range 60 {
		enqueue(t, q, i)
	}
	start(t, jobs)
	until(t, "all done", func() bool { return done.Load() == 60 })
	if most.Load() > 3 {
		t.Errorf("%d at a time", most.Load())
	}
}

func twoProcesses[TTx any](t *testing.T, e env[TTx]) {
	const n = 120 // ten thousand with real processes: see faulttest
	runs := make([]atomic.Int32, n)
	var done atomic.Int32
	handle := func(_ context.Context, i int) error { runs[i].Add(1); done.Add(1); return nil }
	one := newJobs(t, e.store, durable.EnqueueAndWork)
	two := newJobs(t, e.again(t), durable.EnqueueAndWork)
	q := newQueue(t, one, "shared", handle, durable.QueueConfig[int]{Concurrency: 4})
	newQueue(t, two, "shared", handle, durable.QueueConfig[int]{Concurrency: 4})
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	if _, err := q.EnqueueAll(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	start(t, one)
	start(t, two)
	until(t, "all are done", func() bool { return int(done.Load()) >= n })
	for i := range runs {
		if r := runs[i].Load(); r != 1 {
			t.Errorf("item %d ran %d times", i, r)
		}
	}
	until(t, "all are completed", func() bool { return q.States()[string(rivertype.JobStateCompleted)] == n })
	rows, err := durable.List(t.Context(), q, 10_000)
	must(t, err)
	for _, row := range rows {
		if row.Attempt != 1 || len(row.Errors) != 0 {
			t.Errorf("job %d: attempt %d, %v", row.ID, row.Attempt, row.Errors)
		}
	}
}

func tiers[TTx any](t *testing.T, e env[TTx]) {
	web := newJobs(t, e.store, durable.EnqueueOnly)
	worker := newJobs(t, e.again(t), durable.WorkOnly)
	got := make(chan string, 1)
	wrong := func(context.Context, string) error { t.Error("the web tier worked"); return nil }
	q := newQueue(t, web, "mail", wrong, durable.QueueConfig[string]{})
	w := newQueue(t, worker, "mail", func(_ context.Context, s string) error { got <- s; return nil }, durable.QueueConfig[string]{})
	start(t, web)
	must(t, q.Enqueue(t.Context(), "early"))
	start(t, worker)
	receive(t, got)
	must(t, q.Enqueue(t.Context(), "late"))
	receive(t, got)
	if err := w.Enqueue(t.Context(), "x"); !errors.Is(err, durable.ErrWorkOnly) {
		t.Errorf("worker tier: %v", err)
	}
}
