package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

func optionsOfOneJob[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	facts := make(chan map[string]string, 10)
	q := newQueue(t, jobs, "tuned", func(ctx context.Context, how string) error {
		facts <- durable.MetaOf(ctx)
		if how == "slow" {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return errors.New("no")
	}, durable.QueueConfig[string]{Timeout: time.Minute, Retry: channelq.Retry{Attempts: 1, Initial: time.Millisecond}})
	start(t, jobs)

	id := enqueue(t, q, "x", durable.Attempts(3), durable.Meta(map[string]string{"by": "ann", "for": "x"}), durable.Meta(map[string]string{"for": "bob"}), durable.Priority(2))
	inState(t, jobs, id, rivertype.JobStateDiscarded)
	for range 3 {
		if f := receive(t, facts); f["by"] != "ann" || f["for"] != "bob" || len(f) != 2 {
			t.Errorf("the handler got %v", f)
		}
	}
	job, err := q.Job(t.Context(), id)
	must(t, err)
	if job.Queue != "tuned" || job.Item != "x" || job.Meta["by"] != "ann" || job.Priority != 2 || job.Attempt != 3 || job.MaxAttempts != 3 || job.Process == "" ||
		job.EnqueuedAt.IsZero() || job.StartedAt.Before(job.EnqueuedAt) || job.EndedAt.Before(job.StartedAt) || len(job.Failures) != 3 {
		t.Errorf("%+v", job)
	}
	for i, f := range job.Failures {
		if f.Attempt != i+1 || f.Err != "no" || f.At.IsZero() || f.Process != job.Process {
			t.Errorf("failure %d: %+v", i, f)
		}
	}

	slow := enqueue(t, q, "slow", durable.Timeout(20*time.Millisecond))
	inState(t, jobs, slow, rivertype.JobStateDiscarded)
	if f := receive(t, facts); f != nil {
		t.Errorf("facts that nobody stored: %v", f)
	}
	job, err = q.Job(t.Context(), slow)
	must(t, err)
	if len(job.Failures) != 1 || job.Failures[0].Err != channelq.ErrTimeout.Error() {
		t.Errorf("%+v", job)
	}
	if _, err := q.Job(t.Context(), slow+1000); !errors.Is(err, durable.ErrNotFound) {
		t.Errorf("a job that does not exist: %v", err)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	q := newQueue[int](t, newJobs(t, openSQLite(t).store, durable.EnqueueOnly), "tuned", nil, durable.QueueConfig[int]{})
	for want, o := range map[string]durable.Option{
		"Attempts is not from 1":  durable.Attempts(0),
		"to 10000: 10001":         durable.Attempts(10_001),
		"Timeout is not positive": durable.Timeout(0),
		"Meta is 2":               durable.Meta(map[string]string{"x": strings.Repeat("y", 20_000)}),
		"NUL":                     durable.Meta(map[string]string{"x": "\x00"}),
		`fact "\xff`:              durable.Meta(map[string]string{"\xff": ""}),
	} {
		if _, err := q.EnqueueWith(t.Context(), 1, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// A transaction of the program's other database would put the job nowhere.
func TestATransactionOfAnotherKindIsNamed(t *testing.T) {
	q := newQueue[int](t, newJobs(t, openSQLite(t).store, durable.EnqueueOnly), "some", nil, durable.QueueConfig[int]{})
	var other pgx.Tx = struct{ pgx.Tx }{}
	_, one := durable.EnqueueTx(t.Context(), other, q, 1)
	_, many := durable.EnqueueAllTx(t.Context(), other, q, []int{1})
	for _, err := range []error{one, many} {
		if err == nil || !strings.Contains(err.Error(), "struct { pgx.Tx }") || !strings.Contains(err.Error(), "*sql.Tx") {
			t.Errorf("%v", err)
		}
	}
	_, one = durable.EnqueueTx[int](t.Context(), other, nil, 1)
	_, many = durable.EnqueueAllTx[int](t.Context(), other, nil, nil)
	if one == nil || many == nil || !strings.Contains(one.Error(), "the queue is nil") {
		t.Errorf("no queue: %v, %v", one, many)
	}
}

type spy struct {
	river.PluginDefaults

	seen chan string
}

func (s *spy) Work(ctx context.Context, job *rivertype.JobRow, inner func(context.Context) error) error {
	s.seen <- "before " + job.Kind
	err := inner(ctx)
	s.seen <- "after"
	return err
}

func (s *spy) InsertBegin(context.Context, *rivertype.JobInsertParams) error {
	s.seen <- "insert"
	return nil
}

func riversOwn[TTx any](t *testing.T, e env[TTx]) {
	s, hook := &spy{seen: make(chan string, 10)}, &spy{seen: make(chan string, 10)}
	cfg := quick(durable.EnqueueAndWork)
	cfg.Middleware, cfg.Hooks = []rivertype.Middleware{s}, []rivertype.Hook{hook}
	jobs, err := durable.New(e.store, cfg)
	must(t, err)
	q := newQueue(t, jobs, "watched", func(context.Context, int) error { s.seen <- "handler"; return nil }, durable.QueueConfig[int]{})
	start(t, jobs)
	a, b := enqueue(t, q, 1, durable.Unique("one")), enqueue(t, q, 1, durable.Unique("two"))
	if a == b {
		t.Error("the middleware replaced the unique keys")
	}
	count := map[string]int{}
	for range 8 { // an insert, before, handler and after of two jobs
		count[receive(t, s.seen)]++
	}
	if count["insert"] != 2 || count["before watched"] != 2 || count["handler"] != 2 || count["after"] != 2 {
		t.Errorf("%v", count)
	}
	if len(hook.seen) != 2 || receive(t, hook.seen) != "insert" {
		t.Error("a hook was not called for each insert, or as a middleware")
	}
}
