package durable_test

import (
	"bytes"
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

// ended sums up what the store has counted: a test may run when an hour begins.
func ended[T any](t *testing.T, q *durable.Queue[T]) (sum durable.Ends) {
	t.Helper()
	hours, err := q.History(t.Context(), time.Now().Add(-2*time.Hour))
	must(t, err)
	for _, h := range hours {
		if h.Hour.Truncate(time.Hour) != h.Hour || time.Since(h.Hour) > 2*time.Hour || h.Hour.After(time.Now()) {
			t.Errorf("the hour is %v", h.Hour)
		}
		sum = durable.Ends{Handled: sum.Handled + h.Handled, GaveUp: sum.GaveUp + h.GaveUp, Canceled: sum.Canceled + h.Canceled}
	}
	return sum
}

// inDoubt reports whether the store did not answer in a second to sums that it was told. Then
// they may be there twice, or not at all, and say nothing.
func inDoubt(log *lockedBuffer) bool {
	said := log.String()
	return strings.Contains(said, "history not written") && (strings.Contains(said, "deadline exceeded") || strings.Contains(said, "interrupted"))
}

// loggedJobs are jobs whose log says whether their sums are in doubt.
func loggedJobs[TTx any](t *testing.T, store durable.Store[TTx], mode durable.Mode, log *lockedBuffer) *durable.Jobs[TTx] {
	t.Helper()
	cfg := quick(mode)
	cfg.Logger = textLogger(log)
	jobs, err := durable.New(store, cfg)
	must(t, err)
	return jobs
}

func handleOdd(_ context.Context, n int) error {
	if n%2 == 0 {
		return channelq.Permanent(errors.New("even"))
	}
	return nil
}

func endedByTheHour[TTx any](t *testing.T, e env[TTx]) {
	var log lockedBuffer
	var both []*durable.Jobs[TTx]
	var queues []*durable.Queue[int]
	var once []*durable.Queue[int] // whose jobs are completed by a statement of their own before the engine's
	for range 2 {
		jobs := loggedJobs(t, e.again(t), durable.EnqueueAndWork, &log)
		queues = append(queues, newQueue(t, jobs, "numbers", handleOdd, durable.QueueConfig[int]{Concurrency: 3}))
		after := newQueue(t, jobs, "after", nothing[int], durable.QueueConfig[int]{})
		limited := newQueue(t, jobs, "limited", func(ctx context.Context, n int) error { return durable.Then(ctx, after, n) }, durable.QueueConfig[int]{GlobalLimit: 2})
		own := newQueue(t, jobs, "own", func(ctx context.Context, _ int) error {
			tx, err := e.begin(ctx)
			if err == nil {
				err = durable.CompleteTx(ctx, tx)
			}
			return errors.Join(err, e.end(ctx, tx, err == nil))
		}, durable.QueueConfig[int]{})
		both, once = append(both, jobs), append(once, limited, own, after)
		must(t, jobs.Start(t.Context()))
	}
	for n := range 30 {
		must(t, queues[n%2].Enqueue(t.Context(), n))
		if n < 3 {
			must(t, once[0].Enqueue(t.Context(), n))
			must(t, once[1].Enqueue(t.Context(), n))
		}
	}
	for _, q := range queues {
		must(t, q.Cancel(enqueue(t, q, 1, durable.In(time.Hour))))
	}
	until(t, "all ended", func() bool {
		var handled, gaveUp uint64
		for _, q := range append(queues, once...) {
			s := q.Stats()
			handled, gaveUp = handled+s.Handled, gaveUp+s.GaveUp
		}
		return handled == 15+3+3+3 && gaveUp == 15
	})
	for _, jobs := range both {
		stop(t, jobs) // writes what it has not written
	}
	// It survives the processes.
	later := newJobs(t, e.store, durable.EnqueueOnly)
	for kind, want := range map[string]durable.Ends{
		"numbers": {Handled: 15, GaveUp: 15, Canceled: 2}, "limited": {Handled: 3}, "own": {Handled: 3}, "after": {Handled: 3}, "none": {},
	} {
		q := newQueue[int](t, later, kind, nil, durable.QueueConfig[int]{})
		if sum := ended(t, q); sum != want && !inDoubt(&log) {
			t.Errorf("of %s the store counted %+v, want %+v", kind, sum, want)
		}
		if none, err := q.History(t.Context(), time.Now().Add(time.Hour)); err != nil || len(none) > 0 {
			t.Errorf("%s since later: %v, %v", kind, none, err)
		}
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// noHistory is a store that the version before has migrated.
func noHistory[TTx any](t *testing.T, e env[TTx]) {
	for _, table := range []string{"stead_hour", "stead_audit"} {
		must(t, e.exec(t.Context(), "DROP TABLE "+table))
	}
	var log lockedBuffer
	jobs := loggedJobs(t, e.store, durable.EnqueueAndWork, &log)
	durable.SetBeat(jobs, 20*time.Millisecond)
	q := newQueue(t, jobs, "numbers", handleOdd, durable.QueueConfig[int]{})
	must(t, durable.Every(q, "code", hours(1), func() int { return 1 }))
	start(t, jobs)
	inState(t, jobs, enqueue(t, q, 1), rivertype.JobStateCompleted)
	until(t, "it is said", func() bool { return strings.Contains(log.String(), "history not written") })
	busy := strings.Contains(log.String(), "deadline exceeded") // the machine, which was said first
	if !busy && !strings.Contains(log.String(), "run durable.Migrate first") {
		t.Errorf("the log has %s", log.String())
	}
	_, errHours := q.History(t.Context(), time.Time{})
	_, _, errTrail := jobs.AuditTrail(t.Context(), 0)
	for what, err := range map[string]error{"history": errHours, "trail": errTrail, "audit": q.Audit(t.Context(), entryBy("ann"))} {
		if err == nil || !strings.Contains(err.Error(), "run durable.Migrate first") {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, jobs.Schedules().Put(durable.WithActor(t.Context(), "ann"), durable.Schedule{Name: "news", Cron: "@yearly", Queue: "numbers", Payload: 1}))
	if !strings.Contains(log.String(), "action not in the audit trail") {
		t.Errorf("the log has %s", log.String())
	}
	must(t, durable.Migrate(t.Context(), e.store))
	until(t, "what was counted meanwhile is in the store", func() bool { return ended(t, q) == durable.Ends{Handled: 1} })
	if n := strings.Count(log.String(), "history not written"); n != 1 && !strings.Contains(log.String(), "deadline exceeded") {
		t.Errorf("it is said %d times", n)
	}
	auditedSchedules(t, jobs)
}

func oldHistory[TTx any](t *testing.T, e env[TTx], jobs *durable.Jobs[TTx], q *durable.Queue[int]) {
	t.Helper()
	must(t, q.Audit(t.Context(), entryBy("now")))
	must(t, e.exec(t.Context(), e.old))
	trail := func() int {
		t.Helper()
		list, next, err := jobs.AuditTrail(t.Context(), 0)
		must(t, err)
		if next != 0 {
			return -1 // more than a page
		}
		return len(list)
	}
	hours := func() int {
		t.Helper()
		list, err := q.History(t.Context(), time.Time{})
		must(t, err)
		return len(list)
	}
	// 700 hours, of which 650 are too old; 600 entries of which 550 are, and the one of now.
	want := [][2]int{{200, -1}, {50, 51}, {50, 51}}
	for i, w := range want {
		durable.Record(t.Context(), jobs)
		if got := [2]int{hours(), trail()}; got != w {
			t.Errorf("after piece %d there are %v, want %v", i+1, got, w)
		}
	}
	must(t, e.exec(t.Context(), "DELETE FROM stead_audit"))
}

// What a program cancels that has not started its jobs, or has stopped them, is counted too.
func endedWithoutStart[TTx any](t *testing.T, e env[TTx]) {
	var log lockedBuffer
	jobs := loggedJobs(t, e.store, durable.EnqueueOnly, &log)
	q := newQueue[int](t, jobs, "numbers", nil, durable.QueueConfig[int]{})
	later := newQueue[int](t, loggedJobs(t, e.again(t), durable.EnqueueOnly, &log), "numbers", nil, durable.QueueConfig[int]{})
	for want := 3; want <= 6; want += 3 {
		must(t, later.Cancel(enqueue(t, later, 1)))
		_, err := later.EnqueueAll(t.Context(), []int{1, 2})
		must(t, err)
		_, _, err = q.CancelJobs(t.Context(), states("available"), nil)
		must(t, err)
		if sum := ended(t, later); sum.Canceled != want && !inDoubt(&log) {
			t.Errorf("%+v, want %d", sum, want)
		}
		if want == 3 {
			must(t, jobs.Start(t.Context()))
			stop(t, jobs)
		}
	}
}
