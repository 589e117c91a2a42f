package durable_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/lifecycle"
)

func kept[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun := make(chan struct{})
	q := newQueue(t, jobs, "listed", func(ctx context.Context, how string) error {
		switch how {
		case "later":
			return channelq.RetryAfter(errors.New("busy"), time.Hour)
		case "endless":
			close(begun)
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), durable.ErrCancelled) {
				t.Errorf("cancelled with %v", context.Cause(ctx))
			}
			return context.Cause(ctx)
		case "engine's":
			return river.JobCancel(errors.New("enough"))
		}
		return nil
	}, durable.QueueConfig[string]{})
	other := newQueue[string](t, jobs, "other", nil, durable.QueueConfig[string]{})
	if q.Failures() != nil || q.Retrying() != nil || q.Paused() {
		t.Error("something is known before anything was asked")
	}
	newQueue[string](t, jobs, "third", nil, durable.QueueConfig[string]{}) // looking did not make the client
	strange := enqueue(t, other, "x")
	ids := map[rivertype.JobState]int64{rivertype.JobStateScheduled: enqueue(t, q, "x", durable.In(time.Hour))}
	start(t, jobs)
	for state, item := range map[rivertype.JobState]string{rivertype.JobStateCompleted: "x", rivertype.JobStateRetryable: "later", rivertype.JobStateRunning: "endless"} {
		id := enqueue(t, q, item)
		inState(t, jobs, id, state)
		ids[state] = id
	}
	receive(t, begun)
	until(t, "its process is seen", func() bool { return len(jobs.Instances()) == 1 })
	for state, id := range ids {
		list := q.Jobs(string(state))
		if len(list) != 1 || list[0].ID != id || list[0].State != string(state) || list[0].At.IsZero() || list[0].Item == nil || !list[0].RescueAt.IsZero() {
			t.Errorf("%s: %+v", state, list)
		}
	}
	if n, freed := q.Deserted(); n != 0 || !freed.IsZero() {
		t.Errorf("%d are deserted, freed at %v, although their process lives", n, freed)
	}
	if list := q.Jobs("no such state"); len(list) != 0 {
		t.Errorf("listed %v", list)
	}
	until(t, "the store is asked again", func() bool { return len(q.Retrying()) == 1 })
	if r := q.Retrying()[0]; r.Item != "later" || r.Attempts != 1 || !strings.Contains(r.Err.Error(), "busy") || time.Until(r.Due) < 50*time.Minute {
		t.Errorf("retrying %+v", r)
	}
	for what, err := range map[string]error{
		"cancel what is done":        q.Cancel(ids[rivertype.JobStateCompleted]),
		"discard what runs":          q.Discard(ids[rivertype.JobStateRunning]),
		"discard what waits":         q.Discard(ids[rivertype.JobStateScheduled]),
		"requeue what runs":          q.Requeue(ids[rivertype.JobStateRunning]),
		"cancel another queue's":     q.Cancel(strange),
		"cancel what does not exist": q.Cancel(1 << 40),
	} {
		if err == nil || errors.Is(err, durable.ErrNotFound) != (strings.Contains(what, "another") || strings.Contains(what, "exist")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, state := range []rivertype.JobState{rivertype.JobStateScheduled, rivertype.JobStateRunning} {
		must(t, q.Cancel(ids[state]))
		inState(t, jobs, ids[state], rivertype.JobStateCancelled)
	}
	inState(t, jobs, enqueue(t, q, "engine's"), rivertype.JobStateCancelled)
	for _, f := range q.Jobs("cancelled") { // all that has errors here: the two that ran
		if f.Err != nil && f.Err.Error() != durable.ErrCancelled.Error() && f.Err.Error() != "enough" {
			t.Errorf("the engine's words are shown: %v", f.Err)
		}
	}
	must(t, q.Requeue(ids[rivertype.JobStateCompleted])) // what is done is done again
	until(t, "it ran twice", func() bool {
		job, err := q.Job(t.Context(), ids[rivertype.JobStateCompleted])
		must(t, err)
		return job.State == "completed" && job.Attempt == 2 && job.Item == "x"
	})
	must(t, q.Discard(ids[rivertype.JobStateCompleted]))
	early := enqueue(t, q, "x", durable.In(time.Hour))
	must(t, q.Requeue(early))
	inState(t, jobs, early, rivertype.JobStateCompleted)
	must(t, q.Requeue(ids[rivertype.JobStateRetryable]))
	until(t, "another attempt", func() bool { return q.Stats().Retried == 1 })
}

func instances[TTx any](t *testing.T, e env[TTx]) {
	before := time.Now().Add(-time.Second)
	web, worker := newJobs(t, e.store, durable.EnqueueOnly), newJobs(t, e.again(t), durable.WorkOnly)
	shared := newQueue[int](t, web, "shared", nil, durable.QueueConfig[int]{})
	begun, end := make(chan struct{}, 1), make(chan struct{})
	newQueue(t, worker, "shared", func(context.Context, int) error {
		begun <- struct{}{}
		<-end
		return nil
	}, durable.QueueConfig[int]{})
	start(t, web)
	start(t, worker)
	var list []lifecycle.Instance
	until(t, "both are listed and the worker leads", func() bool {
		list = web.Instances()
		return len(list) == 2 && list[1].Leads
	})
	roles := []string{"enqueues", "works"}
	for i, one := range list {
		if one.Role != roles[i] || one.Own != (i == 0) || one.Leads != (i == 1) || one.PID == 0 || one.Since.Before(before) || one.Seen.Before(before) {
			t.Errorf("%d: %+v", i, one)
		}
	}
	id := enqueue(t, shared, 1)
	receive(t, begun)
	until(t, "it is known who does what", func() bool {
		list = web.Instances()
		return len(list) == 2 && len(list[0].Queues)+len(list[0].Running) == 0 && slices.Equal(list[1].Queues, []string{"shared"}) &&
			list[1].Hand == 1 && len(list[1].Running) == 1 && list[1].Running[0].ID == id && list[1].Running[0].Queue == "shared" && list[1].Running[0].Since.After(before)
	})
	close(end)
	stop(t, worker)
	until(t, "the stopped one is gone", func() bool { return len(web.Instances()) == 1 })
	// One that is killed says nothing: it is not seen any more.
	until(t, "one not seen for a minute is gone", func() bool {
		must(t, e.exec(t.Context(), e.age)) // this one lives, and may have said so since
		return len(web.Instances()) == 0
	})
	if got := web.Queues(); len(got) != 1 || got[0].Name() != "shared" {
		t.Errorf("queues %v", got)
	}
}

// What the page says of a process that was killed is found without a list of jobs.
func deserted[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue[int](t, jobs, "held", nil, durable.QueueConfig[int]{})
	other := newQueue[int](t, jobs, "other", nil, durable.QueueConfig[int]{})
	for i := range 3 {
		enqueue(t, q, i)
	}
	enqueue(t, other, 1)
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=1, attempted_by="+e.by+", attempted_at='"+utc(-30*time.Second)+"' WHERE kind='held'"))
	until(t, "three are deserted", func() bool {
		n, freed := q.Deserted()
		late := time.Until(freed)
		return n == 3 && late > 30*time.Second && late <= 90*time.Second
	})
	if n, _ := other.Deserted(); n != 0 {
		t.Errorf("%d of another queue are", n)
	}
}
