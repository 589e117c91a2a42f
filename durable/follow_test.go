package durable_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// followed has a queue whose jobs end as their items say, and one for what follows.
type followed[TTx any] struct {
	jobs  *durable.Jobs[TTx]
	first *durable.Queue[string]
	next  *durable.Queue[string]
	got   chan string
	ends  chan durable.Ends
}

func newFollowed[TTx any](t *testing.T, s durable.Store[TTx], mode durable.Mode) followed[TTx] {
	t.Helper()
	f := followed[TTx]{jobs: newJobs(t, s, mode), got: make(chan string, 500), ends: make(chan durable.Ends, 500)}
	f.first = newQueue(t, f.jobs, "first", func(_ context.Context, item string) error {
		switch item {
		case "permanent":
			return channelq.Permanent(errors.New("no"))
		case "fails":
			return errors.New("no")
		}
		return nil
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Attempts: 1, Initial: time.Millisecond}})
	f.next = newQueue(t, f.jobs, "next", func(ctx context.Context, item string) error {
		f.got <- item
		f.ends <- durable.EndsOf(ctx)
		return nil
	}, durable.QueueConfig[string]{})
	return f
}

func noneLeft[TTx any](t *testing.T, e env[TTx]) {
	t.Helper()
	must(t, e.exec(t.Context(), "CREATE TABLE none (left_over integer CHECK (left_over = 0))"))
	must(t, e.exec(t.Context(), "INSERT INTO none SELECT count(*) FROM stead_follow"))
}

// followsEnds has what is registered before the end and after it, with every end.
func followsEnds[TTx any](t *testing.T, e env[TTx]) {
	f := newFollowed(t, e.store, durable.EnqueueAndWork)
	type end struct {
		item  string
		state rivertype.JobState
	}
	ends := []end{
		{"handled", rivertype.JobStateCompleted}, {"fails", rivertype.JobStateDiscarded},
		{"permanent", rivertype.JobStateCancelled}, {"cancel", rivertype.JobStateCancelled},
	}
	want, expect := map[string]int{}, map[int64]rivertype.JobState{}
	ids := make([]int64, len(ends))
	follow := func(i int, when string) {
		t.Helper()
		for name, option := range map[string]durable.Option{
			"after": durable.After(ids[i]), "any": durable.AfterAny(ids[i]), "gave up": durable.AfterGaveUp(ids[i]),
		} {
			item, state := name+" "+ends[i].item+" "+when, rivertype.JobStateCancelled
			switch {
			case name == "any", name == "after" && i == 0, name == "gave up" && (i == 1 || i == 2):
				want[item], state = 1, rivertype.JobStateCompleted
			case name == "after" && i != 3:
				state = rivertype.JobStateScheduled
			}
			expect[enqueue(t, f.next, item, option)] = state
		}
	}
	for i, end := range ends {
		ids[i] = enqueue(t, f.first, end.item)
		follow(i, "before")
	}
	_, err := durable.Cancel(t.Context(), f.jobs, ids[3])
	must(t, err)
	start(t, f.jobs)
	for i, end := range ends {
		inState(t, f.jobs, ids[i], end.state)
		follow(i, "late")
	}
	must(t, durable.CancelVoid(t.Context(), f.jobs))
	for id, state := range expect {
		inState(t, f.jobs, id, state)
	}
	got := map[string]int{}
	for range want {
		got[receive(t, f.got)]++
	}
	for item := range want {
		if got[item] != 1 {
			t.Errorf("%s: began %d times", item, got[item])
		}
	}
	// What waits for one that gave up begins after its requeue, and is cancelled with its row.
	for id, state := range expect {
		if state == rivertype.JobStateScheduled {
			row, err := f.next.Job(t.Context(), id)
			must(t, err)
			if !row.DueAt.IsZero() {
				t.Errorf("due at %v", row.DueAt)
			}
		}
	}
	must(t, e.exec(t.Context(), "UPDATE river_job SET args = '{\"item\":\"handled\"}' WHERE state = 'discarded'"))
	_, err = durable.Retry(t.Context(), f.jobs, ids[1])
	must(t, err)
	_, err = durable.Delete(t.Context(), f.jobs, ids[2])
	must(t, err)
	must(t, durable.CancelVoid(t.Context(), f.jobs))
	for id, state := range expect {
		if state != rivertype.JobStateScheduled {
			continue
		}
		until(t, "the last ones end", func() bool {
			row, err := durable.Get(t.Context(), f.jobs, id)
			must(t, err)
			return row.FinalizedAt != nil
		})
	}
	for range 2 {
		if item := receive(t, f.got); !strings.HasPrefix(item, "after fails") {
			t.Errorf("began: %s", item)
		}
	}
	noneLeft(t, e)
}

// followsRaces has jobs end while those that follow are registered, in two processes.
func followsRaces[TTx any](t *testing.T, e env[TTx]) {
	const n = 8
	a, b := newFollowed(t, e.store, durable.EnqueueAndWork), newFollowed(t, e.again(t), durable.EnqueueAndWork)
	start(t, a.jobs)
	start(t, b.jobs)
	var all sync.WaitGroup
	for i := range n {
		f := []followed[TTx]{a, b}[i%2]
		all.Go(func() {
			one, err := f.first.EnqueueWith(t.Context(), "x")
			if err == nil {
				var two durable.Enqueued
				two, err = f.next.EnqueueWith(t.Context(), "y", durable.After(one.ID))
				if err == nil { // and one that follows that one, and both
					_, err = f.next.EnqueueWith(t.Context(), "z", durable.AfterAny(one.ID, two.ID))
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := 0; i < 2*n && !t.Failed(); i++ {
		select {
		case <-a.got:
		case <-b.got:
		case <-time.After(patience):
			t.Fatalf("%d of %d began", i, 2*n)
		}
	}
	until(t, "all are done", func() bool {
		rows, err := durable.List(t.Context(), a.next, 1000, rivertype.JobStateCompleted)
		must(t, err)
		return len(rows) == 2*n
	})
	if more := len(a.got) + len(b.got); more != 0 {
		t.Errorf("%d began twice", more)
	}
	noneLeft(t, e)
}

// followsATransaction has both in one, and an end in one of the program's own.
func followsATransaction[TTx any](t *testing.T, e env[TTx]) {
	f := newFollowed(t, e.store, durable.EnqueueAndWork)
	completed := make(chan bool, 1)
	own := newQueue(t, f.jobs, "own", func(ctx context.Context, _ string) error {
		tx, err := e.begin(ctx)
		if err != nil {
			return err
		}
		first := len(completed) == 0
		err = durable.CompleteTx(ctx, tx)
		if err = errors.Join(err, e.end(ctx, tx, !first)); first {
			completed <- true
		}
		return err
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond}})
	for _, commit := range []bool{false, true} {
		tx, err := e.begin(t.Context())
		must(t, err)
		one, err := durable.EnqueueTx(t.Context(), tx, own, "x")
		must(t, err)
		_, err = durable.EnqueueTx(t.Context(), tx, f.next, "y", durable.After(one.ID))
		must(t, err)
		must(t, e.end(t.Context(), tx, commit))
	}
	start(t, f.jobs)
	receive(t, f.got)
	if ends := receive(t, f.ends); ends != (durable.Ends{Handled: 1}) {
		t.Errorf("%+v", ends)
	}
	rows, err := durable.List(t.Context(), own, 10)
	must(t, err)
	if len(rows) != 1 || rows[0].State != rivertype.JobStateCompleted || rows[0].Attempt != 2 {
		t.Errorf("%d rows, the first: %+v", len(rows), rows[0])
	}
	noneLeft(t, e)
}

// followsARescue has processes killed: before the end of the job, and after the end of it.
func followsARescue[TTx any](t *testing.T, e env[TTx]) {
	f := newFollowed(t, e.store, durable.EnqueueAndWork)
	lost, last := enqueue(t, f.first, "x"), enqueue(t, f.first, "y")
	enqueue(t, f.next, "gave up", durable.AfterGaveUp(last))
	after := enqueue(t, f.next, "after", durable.After(lost))
	for id, most := range map[int64]string{lost: "5", last: "1"} {
		must(t, e.exec(t.Context(), "UPDATE river_job SET state = 'running', attempt = 1, max_attempts = "+most+", attempted_at = '2020-01-01 00:00:00', attempted_by = "+e.by+" WHERE id = "+itoa(id)))
	}
	start(t, f.jobs)
	must(t, durable.Rescue(t.Context(), f.jobs))
	must(t, durable.Rescue(t.Context(), f.jobs))
	for range 2 {
		receive(t, f.got)
	}
	inState(t, f.jobs, last, rivertype.JobStateDiscarded)
	if row := inState(t, f.jobs, after, rivertype.JobStateCompleted); row.Attempt != 1 {
		t.Errorf("attempt %d", row.Attempt)
	}
	inState(t, f.jobs, lost, rivertype.JobStateCompleted)
	noneLeft(t, e)
}

// followsNothing has what is refused, and what a store of an earlier version lacks.
func followsNothing[TTx any](t *testing.T, e env[TTx]) {
	for _, statement := range []string{"DROP TRIGGER stead_ended ON river_job", "DROP TRIGGER stead_gone ON river_job", "DROP FUNCTION stead_ended", "DROP FUNCTION stead_release",
		"DROP TRIGGER stead_ended", "DROP TRIGGER stead_gone"} {
		_ = e.exec(t.Context(), statement) // of one kind of database or the other
	}
	must(t, e.exec(t.Context(), "DROP TABLE stead_follow"))
	for range 2 {
		must(t, durable.Migrate(t.Context(), e.store))
	}
	f := newFollowed(t, e.store, durable.EnqueueAndWork)
	id := enqueue(t, f.first, "x")
	for what, opts := range map[string][]durable.Option{
		"not there": {durable.After(id + 100)}, "none": {durable.AfterAny()}, "two": {durable.After(id), durable.AfterAny(id)},
		"a time": {durable.After(id), durable.In(time.Hour)},
	} {
		_, err := f.next.EnqueueWith(t.Context(), "y", opts...)
		if what == "not there" && !errors.Is(err, durable.ErrNotFound) || err == nil || !strings.HasPrefix(err.Error(), "stead/durable: enqueue") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n, err := f.next.EnqueueAll(t.Context(), []string{"y"}, durable.After(id)); n != 0 || err == nil {
		t.Errorf("many: %d, %v", n, err)
	}
	// A key that a job holds is held by one that waits, too.
	one, err := f.next.EnqueueWith(t.Context(), "y", durable.After(id), durable.Unique("k"))
	must(t, err)
	two, err := f.next.EnqueueWith(t.Context(), "z", durable.After(id), durable.Unique("k"))
	if err != nil || !two.Duplicate || two.ID != one.ID {
		t.Errorf("%+v, %v", two, err)
	}
	rows, err := durable.List(t.Context(), f.next, 10)
	must(t, err)
	if len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
	// A chain is cancelled from its beginning, and one that is started by hand begins once.
	three := enqueue(t, f.next, "w", durable.AfterGaveUp(one.ID))
	early := enqueue(t, f.next, "early", durable.AfterAny(one.ID))
	_, err = durable.Retry(t.Context(), f.jobs, early)
	must(t, err)
	_, err = durable.Cancel(t.Context(), f.jobs, id)
	must(t, err)
	start(t, f.jobs)
	must(t, durable.CancelVoid(t.Context(), f.jobs))
	for _, id := range []int64{one.ID, three} {
		inState(t, f.jobs, id, rivertype.JobStateCancelled)
	}
	inState(t, f.jobs, early, rivertype.JobStateCompleted)
	if item := receive(t, f.got); item != "early" || len(f.got) != 0 {
		t.Errorf("began: %s and %d more", item, len(f.got))
	}
	noneLeft(t, e)
}
