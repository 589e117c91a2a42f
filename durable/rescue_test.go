package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// rescued plays processes that died: their rows say running, and nobody runs them.
func rescued[TTx any](t *testing.T, e env[TTx]) {
	writer := newJobs(t, e.store, durable.EnqueueOnly)
	ids := map[string]int64{}
	for _, kind := range []string{"lost", "tired", "foreign", "newer"} {
		q := newQueue[int](t, newJobs(t, e.store, durable.EnqueueOnly), kind, nil, durable.QueueConfig[int]{})
		ids[kind] = enqueue(t, q, 1)
	}
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=1, attempted_by="+e.by+", attempted_at='"+utc(-3*time.Minute)+"'"))
	must(t, e.exec(t.Context(), "UPDATE river_job SET attempt=max_attempts WHERE kind='tired'"))
	young := newQueue[int](t, writer, "lost", nil, durable.QueueConfig[int]{})
	ids["young"] = enqueue(t, young, 2)
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=1, attempted_by="+e.by+", attempted_at='"+utc(0)+"' WHERE state='available'"))

	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	newQueue(t, jobs, "lost", nothing[int], durable.QueueConfig[int]{})
	newQueue[int](t, jobs, "foreign", nil, durable.QueueConfig[int]{}) // others work it
	gaveUp := make(chan error, 9)
	tired := newQueue(t, jobs, "tired", nothing[int], durable.QueueConfig[int]{
		OnGiveUp: func(_ context.Context, item int, err error) {
			if item != 1 {
				t.Errorf("gave up item %d", item)
			}
			gaveUp <- err
		},
	})
	if k := young.Jobs("running"); len(k) != 2 || k[1].RescueAt.IsZero() {
		t.Errorf("held by a process that is dead: %+v", k)
	} else if late := time.Until(k[0].RescueAt); late < time.Minute || late > 2*time.Minute {
		t.Errorf("the young one is to be rescued in %v", late)
	}
	until(t, "two are deserted", func() bool { n, _ := young.Deserted(); return n == 2 })
	if _, freed := young.Deserted(); time.Until(freed) > -50*time.Second || time.Until(freed) < -2*time.Minute {
		t.Errorf("the first of them is freed in %v", time.Until(freed))
	}
	start(t, jobs)
	must(t, durable.Rescue(t.Context(), jobs))
	for kind, state := range map[string]rivertype.JobState{
		"lost": rivertype.JobStateCompleted, "tired": rivertype.JobStateDiscarded, "foreign": rivertype.JobStateAvailable,
	} {
		inState(t, jobs, ids[kind], state)
	}
	var why *channelq.GiveUpError
	if err := receive(t, gaveUp); !errors.Is(err, durable.ErrLost) || !errors.As(err, &why) || len(gaveUp) != 0 || tired.Stats().GaveUp != 1 {
		t.Errorf("gave up with %v, counted %d", err, tired.Stats().GaveUp)
	}
	if f := failuresOf(t, tired, 1); !strings.Contains(f[0].Err.Error(), "the process died") {
		t.Errorf("failures %+v", f)
	}
	// One within its window, and one of a kind that only a newer program knows.
	for _, kind := range []string{"young", "newer"} {
		row, err := durable.Get(t.Context(), jobs, ids[kind])
		must(t, err)
		if row.State != rivertype.JobStateRunning {
			t.Errorf("%s is %s", kind, row.State)
		}
	}
}

func utc(ago time.Duration) string { return time.Now().Add(ago).UTC().Format("2006-01-02 15:04:05") }

// versions is a deployment: the older program leads while the newer one runs
// beside it, with another queue, and an item that has grown.
func versions[TTx any](t *testing.T, e env[TTx]) {
	type oldMail struct{ To string }
	type newMail struct{ To, Subject string }
	got := make(chan string, 9)
	older, newer := newJobs(t, e.store, durable.EnqueueAndWork), newJobs(t, e.again(t), durable.EnqueueAndWork)
	oldQueue := newQueue(t, older, "mail", func(_ context.Context, m oldMail) error { got <- "old " + m.To; return nil }, durable.QueueConfig[oldMail]{})
	newQ := newQueue(t, newer, "mail", func(_ context.Context, m newMail) error { got <- "new " + m.To + m.Subject; return nil }, durable.QueueConfig[newMail]{})
	added := newQueue(t, newer, "added", func(_ context.Context, s string) error { got <- s; return nil }, durable.QueueConfig[string]{})
	start(t, older)
	until(t, "the older one leads", func() bool { l := older.Instances(); return len(l) == 1 && l[0].Leads })
	enqueue(t, newQ, newMail{"ann", "hello"})
	if s := receive(t, got); s != "old ann" {
		t.Errorf("the older program got %q", s)
	}
	id := enqueue(t, added, "only the newer one")
	waits := enqueue(t, oldQueue, oldMail{"bob"}, durable.In(time.Second))
	inState(t, older, waits, rivertype.JobStateCompleted) // time passes for the older program
	receive(t, got)
	if row := inState(t, newer, id, rivertype.JobStateAvailable); row.Attempt != 0 {
		t.Error("the older program took what it does not know")
	}
	start(t, newer)
	if s := receive(t, got); s != "only the newer one" {
		t.Errorf("got %q", s)
	}
	last := enqueue(t, oldQueue, oldMail{"cy"}, durable.In(24*time.Hour))
	stop(t, older)
	_, err := durable.Retry(t.Context(), newer, last) // now
	must(t, err)
	if s := receive(t, got); s != "new cy" {
		t.Errorf("the newer program got %q", s)
	}
}
