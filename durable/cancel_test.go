package durable_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/periodic"
)

// wishIsKept is a cancel of which no process was told.
func wishIsKept[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	wish := func(ctx context.Context, where string) error {
		return e.exec(context.WithoutCancel(ctx), "UPDATE river_job SET metadata = "+e.wish+" WHERE "+where)
	}
	gaveUp := make(chan error, 9)
	cfg := durable.QueueConfig[int]{Timeout: 10 * time.Minute, Retry: channelq.Retry{Initial: time.Millisecond},
		OnGiveUp: func(_ context.Context, _ int, err error) { gaveUp <- err }}
	begun := make(chan struct{}, 9)
	runs := newQueue(t, jobs, "runs", func(ctx context.Context, _ int) error {
		begun <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}, cfg)
	var tries atomic.Int32
	fails := newQueue(t, jobs, "fails", func(ctx context.Context, _ int) error {
		tries.Add(1)
		return errors.Join(errors.New("no"), wish(ctx, "kind='fails'"))
	}, cfg)
	waits := newQueue(t, jobs, "waits", func(context.Context, int) error { t.Error("it began"); return nil }, cfg)
	id := enqueue(t, waits, 1)
	must(t, wish(t.Context(), "kind='waits'"))
	start(t, jobs)
	inState(t, jobs, id, rivertype.JobStateCancelled)
	receive(t, gaveUp)

	inState(t, jobs, enqueue(t, fails, 1), rivertype.JobStateCancelled)
	receive(t, gaveUp)
	if tries.Load() != 1 {
		t.Errorf("tried %d times", tries.Load())
	}

	id = enqueue(t, runs, 1)
	receive(t, begun)
	must(t, wish(t.Context(), "kind='runs'"))
	inState(t, jobs, id, rivertype.JobStateCancelled)
	if err := receive(t, gaveUp); !errors.Is(err, durable.ErrCancelled) {
		t.Errorf("gave up with %v", err)
	}
}

func pauseIsKept[TTx any](t *testing.T, e env[TTx]) {
	web := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, web, "held", nil, durable.QueueConfig[int]{})
	q.Pause() // nobody has worked it yet
	until(t, "it is paused", q.Paused)
	client, err := web.Client()
	must(t, err)
	must(t, client.QueuePause(t.Context(), "held", nil))
	exec := store.Of(e.store).Driver().GetExecutor()
	_, err = exec.QueueCreateOrSetUpdatedAt(t.Context(), &riverdriver.QueueCreateOrSetUpdatedAtParams{Metadata: []byte("{}"), Name: "gone", Schema: e.schema})
	must(t, err)
	must(t, e.exec(t.Context(), "UPDATE river_queue SET updated_at='"+utc(-48*time.Hour)+"'"))

	// A process that does not know the queue does the housekeeping.
	other := newJobs(t, e.again(t), durable.EnqueueAndWork)
	newQueue(t, other, "other", nothing[int], durable.QueueConfig[int]{})
	start(t, other)
	until(t, "the row of a queue without workers is deleted", func() bool {
		queue, err := exec.QueueGet(context.Background(), &riverdriver.QueueGetParams{Name: "gone", Schema: e.schema})
		return err != nil && queue == nil
	})
	worker := newJobs(t, e.again(t), durable.EnqueueAndWork)
	held := newQueue(t, worker, "held", func(context.Context, int) error { t.Error("taken"); return nil }, durable.QueueConfig[int]{})
	witness := newQueue(t, worker, "witness", nothing[int], durable.QueueConfig[int]{})
	id := enqueue(t, held, 1)
	start(t, worker)
	until(t, "the pause is known", held.Paused)
	for range 3 {
		inState(t, worker, enqueue(t, witness, 1), rivertype.JobStateCompleted)
	}
	if row, err := durable.Get(t.Context(), worker, id); err != nil || row.State != rivertype.JobStateAvailable {
		t.Errorf("%+v, %v", row, err)
	}
}

// placeAhead is a schedule that a process with a clock that was ahead has moved on.
func placeAhead[TTx any](t *testing.T, e env[TTx]) {
	s := periodic.Every(300 * time.Millisecond)
	ahead := time.Now().Add(24 * time.Hour)
	placed(t, e, ahead, s)
	d := newDigest(t, e.store, s)
	web := newJobs(t, e.again(t), durable.EnqueueOnly)
	q := newQueue[int](t, web, "digest", nil, durable.QueueConfig[int]{})
	must(t, durable.Every(q, "weekly", s, func() int { return 1 }))
	_, err := web.Client()
	must(t, err)
	until(t, "the next slot is that of the store", func() bool { return statsOf(web)["weekly"].Next.Equal(s.Next(ahead)) })
	start(t, d.jobs)
	if slot := receive(t, d.handled); time.Until(slot) > time.Minute {
		t.Errorf("handled %v", slot)
	}
	if d.log.line("level=WARN", "schedule restarts, its last slot was in the future") == "" {
		t.Error("nobody was told")
	}
	until(t, "shown elsewhere", func() bool { return time.Until(statsOf(web)["weekly"].Next) < time.Minute })
}

type dueAt struct{ At time.Time }

// whatIsDueIsFound logs how late jobs begin. What it asserts is that none of those due
// within the engine's next look waits for that.
func whatIsDueIsFound[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun := make(chan time.Duration, 9)
	var again atomic.Int64 // when the retry is due
	q := newQueue(t, jobs, "due", func(ctx context.Context, i dueAt) error {
		_, attempt, _ := durable.Attempt(ctx)
		switch {
		case !i.At.IsZero():
			begun <- time.Since(i.At)
		case attempt == 1:
			again.Store(time.Now().Add(300 * time.Millisecond).UnixNano())
			return channelq.RetryAfter(errors.New("not yet"), 300*time.Millisecond)
		default:
			begun <- time.Since(time.Unix(0, again.Load()))
		}
		return nil
	}, durable.QueueConfig[dueAt]{Concurrency: 1})
	writer := newQueue[dueAt](t, newJobs(t, e.store, durable.EnqueueOnly), "due", nil, durable.QueueConfig[dueAt]{})
	for in, want := range map[time.Duration]rivertype.JobState{
		-time.Hour: rivertype.JobStateAvailable, 0: rivertype.JobStateAvailable, 300 * time.Millisecond: rivertype.JobStateAvailable,
		2 * time.Second: rivertype.JobStateAvailable, time.Hour: rivertype.JobStateScheduled,
	} {
		for how, o := range map[string]durable.Option{"in": durable.In(in), "at": durable.At(time.Now().Add(in))} {
			row, err := durable.Get(t.Context(), jobs, enqueue(t, writer, dueAt{}, o))
			must(t, err)
			if row.State != want || in <= 0 && time.Since(row.ScheduledAt) > time.Minute {
				t.Errorf("%s %v: %s for %v", how, in, row.State, row.ScheduledAt)
			}
		}
	}
	must(t, e.exec(t.Context(), "DELETE FROM river_job"))
	start(t, jobs)
	all := []time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 6 * time.Second}
	if testing.Short() {
		all = all[:2]
	}
	for _, in := range all {
		enqueue(t, q, dueAt{time.Now().Add(in)}, durable.In(in))
	}
	for range all {
		late := receive(t, begun)
		t.Logf("begins %v late", late)
		if late < 0 {
			t.Errorf("begins %v early", -late)
		}
	}
	enqueue(t, q, dueAt{})
	t.Logf("a retry after 300ms: begins %v late", receive(t, begun))
}
