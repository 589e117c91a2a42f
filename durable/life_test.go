package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/periodic"
)

func failures[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var heal atomic.Bool
	q := newQueue(t, jobs, "fails", func(_ context.Context, s string) error {
		if heal.Load() {
			return nil
		}
		return channelq.Permanent(errors.New("bad " + s))
	}, durable.QueueConfig[string]{})
	start(t, jobs)
	for _, s := range []string{"one", "two"} {
		inState(t, jobs, enqueue(t, q, s), rivertype.JobStateCancelled)
	}
	list := failuresOf(t, q, 2)
	if list[0].Item != "two" || list[1].Err.Error() != "bad one" || list[0].At.IsZero() {
		t.Fatalf("failures %v", list)
	}
	heal.Store(true)
	must(t, q.Requeue(list[0].ID))
	inState(t, jobs, list[0].ID, rivertype.JobStateCompleted)
	must(t, q.Discard(list[1].ID))
	failuresOf(t, q, 0)
}

func stats[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, release := make(chan struct{}), make(chan struct{})
	q := newQueue(t, jobs, "counted", func(context.Context, int) error { begun <- struct{}{}; <-release; return nil }, durable.QueueConfig[int]{Concurrency: 1})
	for i := range 3 {
		enqueue(t, q, i)
	}
	enqueue(t, q, 9, durable.In(time.Hour))
	if n := q.Stats().Workers; n != 0 {
		t.Errorf("%d workers before the start", n)
	}
	start(t, jobs)
	receive(t, begun)
	until(t, "the store's counts", func() bool { return q.Stats().Depth == 2 })
	s := q.Stats()
	if s.Accepted != 4 || s.InProgress != 1 || s.Parked != 1 || s.Workers != 1 || s.OldestDue.IsZero() || jobs.Backlog() != 1 {
		t.Errorf("%+v", s)
	}
	close(release)
	for range 2 {
		receive(t, begun)
	}
	until(t, "all handled", func() bool { return q.Stats().Handled == 3 && q.States()["completed"] == 3 })
	if s := q.Stats(); s.Wait.Count != 3 || s.Handle.Count != 3 || s.Handle.Cumulative[len(s.Handle.Cumulative)-1] != 3 || s.Handle.Sum <= 0 {
		t.Errorf("histograms %+v, %+v", s.Wait, s.Handle)
	}
	if n := jobs.Ended(); n != 3 {
		t.Errorf("%d attempts have ended, want 3", n)
	}
	if s := q.Stats(); s.Depth != 0 || s.InProgress != 0 || s.Accepted != s.Handled+uint64(s.Parked) {
		t.Errorf("%+v", s)
	}
}

func noTables[TTx any](t *testing.T, e env[TTx]) {
	must(t, e.exec(t.Context(), "DROP TABLE river_job"))
	must(t, e.exec(t.Context(), "DROP TABLE river_queue"))
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "none", nothing[int], durable.QueueConfig[int]{})
	_, errAll := q.EnqueueAll(t.Context(), []int{1})
	_, errGet := durable.Get(t.Context(), jobs, 1)
	_, errList := durable.List(t.Context(), q, 1)
	for what, err := range map[string]error{
		"start": jobs.Start(t.Context()), "enqueue": q.Enqueue(t.Context(), 1), "all": errAll, "get": errGet, "list": errList,
	} {
		if err == nil || !strings.Contains(err.Error(), "run durable.Migrate first") || strings.Contains(err.Error(), "does not answer") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func migrateTwice[TTx any](t *testing.T, e env[TTx]) { must(t, durable.Migrate(t.Context(), e.store)) }

func startContext[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "goeson", nothing[int], durable.QueueConfig[int]{})
	ended, end := context.WithCancel(t.Context())
	end()
	if err := jobs.Start(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("start with an ended context: %v", err)
	}
	ctx, end := context.WithCancel(t.Context())
	must(t, jobs.Start(ctx))
	t.Cleanup(func() { stop(t, jobs) })
	end()
	inState(t, jobs, enqueue(t, q, 1), rivertype.JobStateCompleted)
	if err := jobs.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
}

func stopWaits[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, release := make(chan struct{}), make(chan struct{})
	q := newQueue(t, jobs, "whole", func(ctx context.Context, _ int) error {
		close(begun)
		<-release
		return ctx.Err()
	}, durable.QueueConfig[int]{})
	start(t, jobs)
	id := enqueue(t, q, 1)
	receive(t, begun)
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		stopped <- jobs.Stop(ctx)
	}()
	select {
	case err := <-stopped:
		t.Fatalf("stop did not wait: %v", err)
	case <-time.After(100 * time.Millisecond): // a stop that does not wait is over long before
	}
	close(release)
	must(t, receive(t, stopped))
	row, err := durable.Get(t.Context(), jobs, id)
	must(t, err)
	if row.State != rivertype.JobStateCompleted || jobs.Leftover() != 0 {
		t.Errorf("%s, %d left over", row.State, jobs.Leftover())
	}
}

func stopCuts[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	causes := make(chan error, 1)
	begun := make(chan struct{})
	q := newQueue(t, jobs, "moved", func(ctx context.Context, _ int) error {
		close(begun)
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}, durable.QueueConfig[int]{Retry: channelq.Retry{Attempts: 1}})
	must(t, jobs.Start(t.Context()))
	id := enqueue(t, q, 1)
	receive(t, begun)
	cutStop(t, jobs)
	if cause := receive(t, causes); !errors.Is(cause, channelq.ErrStopping) {
		t.Errorf("cause %v", cause)
	}
	row := inState(t, jobs, id, rivertype.JobStateAvailable)
	if row.Attempt != 0 || len(row.Errors) != 0 || jobs.Leftover() != 1 {
		t.Errorf("after attempt %d, %d left over", row.Attempt, jobs.Leftover())
	}
	next := newJobs(t, e.store, durable.EnqueueAndWork)
	newQueue(t, next, "moved", nothing[int], durable.QueueConfig[int]{})
	start(t, next)
	inState(t, next, id, rivertype.JobStateCompleted)
}

// Many a handler calls all of its errors permanent. Only what the stop did is not.
func stopCutsPermanent[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun := make(chan struct{}, 3)
	q := newQueue(t, jobs, "strict", func(ctx context.Context, how string) error {
		begun <- struct{}{}
		<-ctx.Done()
		switch how {
		case "error":
			return channelq.Permanent(fmt.Errorf("fetch: %w", ctx.Err()))
		case "cause":
			return channelq.Permanent(context.Cause(ctx))
		}
		return channelq.Permanent(errors.New("no such address"))
	}, durable.QueueConfig[string]{Concurrency: 3, Retry: channelq.Retry{Attempts: 1}})
	must(t, jobs.Start(t.Context()))
	ids := map[string]int64{}
	for _, how := range []string{"error", "cause", "own"} {
		ids[how] = enqueue(t, q, how)
		receive(t, begun)
	}
	cutStop(t, jobs)
	for how, id := range ids {
		var row *rivertype.JobRow
		until(t, "it is written", func() bool {
			var err error
			row, err = durable.Get(t.Context(), jobs, id)
			must(t, err)
			return row.State != rivertype.JobStateRunning
		})
		if cut := row.State == rivertype.JobStateAvailable && row.Attempt == 0 && len(row.Errors) == 0; cut != (how != "own") {
			t.Errorf("%s: %s after attempt %d: %+v", how, row.State, row.Attempt, row.Errors)
		}
	}
	if jobs.Leftover() != 2 {
		t.Errorf("%d left over", jobs.Leftover())
	}
}

func stopNames[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, release := make(chan struct{}), make(chan struct{})
	q := newQueue(t, jobs, "deaf", func(context.Context, int) error {
		close(begun)
		<-release
		return nil
	}, durable.QueueConfig[int]{})
	must(t, jobs.Start(t.Context()))
	id := enqueue(t, q, 1)
	receive(t, begun)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := jobs.Stop(ctx) // else it would wait for release
	var running *durable.RunningError
	if !errors.As(err, &running) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("stop: %v", err)
	}
	r := running.Jobs
	if len(r) != 1 || r[0].ID != id || r[0].Queue != "deaf" || r[0].RescueAt.Sub(r[0].Since) != 2*time.Minute || jobs.Leftover() != 1 {
		t.Errorf("named %+v, %d left over", r, jobs.Leftover())
	}
	if !strings.Contains(err.Error(), "deaf job") {
		t.Errorf("says %q", err)
	}
	close(release)
	client, err := jobs.Client()
	must(t, err)
	receive(t, client.Stopped())
	inState(t, jobs, id, rivertype.JobStateCompleted)
}

func afterStop[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "closed", nothing[int], durable.QueueConfig[int]{})
	must(t, jobs.Start(t.Context()))
	stop(t, jobs)
	if err := q.Enqueue(t.Context(), 1); !errors.Is(err, channelq.ErrClosed) {
		t.Errorf("enqueue: %v", err)
	}
	if n := q.Stats().Refused.Closed; n != 1 {
		t.Errorf("refused %d", n)
	}
}

func stopTwice[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	newQueue(t, jobs, "idle", nothing[int], durable.QueueConfig[int]{})
	for range 2 {
		stop(t, jobs)
	}
	if err := jobs.Start(t.Context()); err == nil {
		t.Error("started after a stop")
	}
}

func manyStarts[TTx any](t *testing.T, e env[TTx]) {
	n := 20
	if testing.Short() {
		n = 3
	}
	// Each cycle works a job and sees the leader elected before it stops: a stop in
	// the moment of the election meets the deadlock described at Stop.
	for range n { // goleak looks afterwards
		jobs := newJobs(t, e.store, durable.EnqueueAndWork)
		led := make(chan struct{}, 1000)
		q := newQueue(t, jobs, "idle", func(context.Context, int) error { led <- struct{}{}; return nil }, durable.QueueConfig[int]{})
		// Only a leader enqueues for a schedule, some time after its election.
		must(t, durable.Every(q, "led", periodic.Every(20*time.Millisecond), func() int { return 1 }))
		must(t, jobs.Start(t.Context()))
		receive(t, led)
		stop(t, jobs)
	}
}

// stopIdle is of what has nothing to do, the first election included: that has nothing to
// wait for. The bound is one of a machine with other work.
func stopIdle[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "idle", nothing[int], durable.QueueConfig[int]{})
	must(t, jobs.Start(t.Context()))
	inState(t, jobs, enqueue(t, q, 1), rivertype.JobStateCompleted)
	began := time.Now()
	stop(t, jobs)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
