package durable_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/hosted"
)

type email struct{ To, Body string }

func handlerUnchanged[TTx any](t *testing.T, e env[TTx]) {
	got := make(chan email, 2)
	send := func(_ context.Context, m email) error { got <- m; return nil }

	mem, err := channelq.New(channelq.Config[email]{Capacity: 1})
	must(t, err)
	workers, err := channelq.NewWorkers(mem, send, channelq.WorkerConfig[email]{})
	must(t, err)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	kept := newQueue(t, jobs, "email", send, durable.QueueConfig[email]{})

	h := hosted.New(hosted.Config{})
	h.Add("memory", workers)
	h.Add("jobs", jobs)
	must(t, h.Start(t.Context()))
	for _, q := range []channelq.Enqueuer[email]{mem, kept} {
		want := email{"ann", "hello"}
		must(t, q.Enqueue(t.Context(), want))
		if m := receive(t, got); m != want {
			t.Errorf("%T handed over %v", q, m)
		}
	}
	must(t, h.Stop(context.Background()))
}

func interchangeable[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	kept := newQueue[string](t, jobs, "names", nil, durable.QueueConfig[string]{})
	mem, err := channelq.New(channelq.Config[string]{Capacity: 1})
	must(t, err)
	ended, end := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	end(why)
	for _, q := range []channelq.Enqueuer[string]{mem, kept} {
		if err := q.Enqueue(ended, "x"); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
			t.Errorf("%T with an ended context: %v", q, err)
		}
	}
	mem.Close()
	stop(t, jobs)
	for _, q := range []channelq.Enqueuer[string]{mem, kept} {
		if err := q.Enqueue(t.Context(), "x"); !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("%T when closed: %v", q, err)
		}
	}
}

func risingGaps[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var tries atomic.Int32
	q := newQueue(t, jobs, "flaky", func(context.Context, string) error {
		if tries.Add(1) <= 3 {
			return errors.New("not yet")
		}
		return nil
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Attempts: 5, Initial: 100 * time.Millisecond, Factor: 4}})
	start(t, jobs)
	row := inState(t, jobs, enqueue(t, q, "x"), rivertype.JobStateCompleted)
	if len(row.Errors) != 3 || row.Attempt != 4 {
		t.Fatalf("%d errors after attempt %d", len(row.Errors), row.Attempt)
	}
	first, second := row.Errors[1].At.Sub(row.Errors[0].At), row.Errors[2].At.Sub(row.Errors[1].At)
	// The bounds are 100 and 400 ms and a delay is at least half of its bound.
	if first < 50*time.Millisecond || second < 200*time.Millisecond {
		t.Errorf("gaps %v and %v", first, second)
	}
	if s := q.Stats(); s.Retried != 3 || s.Handled != 1 || s.GaveUp != 0 {
		t.Errorf("%+v", s)
	}
}

func discardedAndRevived[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var heal atomic.Bool
	gaveUp := make(chan error, 9)
	q := newQueue(t, jobs, "broken", func(context.Context, string) error {
		if heal.Load() {
			return nil
		}
		return errors.New("broken")
	}, durable.QueueConfig[string]{
		Retry:    channelq.Retry{Attempts: 2, Initial: time.Millisecond},
		OnGiveUp: func(_ context.Context, item string, err error) { gaveUp <- errors.Join(errors.New(item), err) },
	})
	start(t, jobs)
	id := enqueue(t, q, "item")
	inState(t, jobs, id, rivertype.JobStateDiscarded)
	var why *channelq.GiveUpError
	if err := receive(t, gaveUp); !errors.As(err, &why) || why.Attempts != 2 || why.Queue != "broken" || !strings.Contains(err.Error(), "item") {
		t.Errorf("gave up with %v", err)
	}
	heal.Store(true)
	_, err := durable.Retry(t.Context(), jobs, id)
	must(t, err)
	inState(t, jobs, id, rivertype.JobStateCompleted)
	if len(gaveUp) != 0 || q.Stats().GaveUp != 1 {
		t.Errorf("given up %d times more, counted %d", len(gaveUp), q.Stats().GaveUp)
	}
}

func permanent[TTx any](t *testing.T, e env[TTx]) {
	endsAtOnce(t, e, durable.QueueConfig[string]{}, channelq.Permanent(errors.New("no such user")), "no such user")
}

func notWorthIt[TTx any](t *testing.T, e env[TTx]) {
	hopeless := errors.New("hopeless")
	endsAtOnce(t, e, durable.QueueConfig[string]{Retry: channelq.Retry{If: func(err error) bool { return !errors.Is(err, hopeless) }}}, hopeless, "hopeless")
}

func endsAtOnce[TTx any](t *testing.T, e env[TTx], cfg durable.QueueConfig[string], failure error, reason string) {
	t.Helper()
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "once", func(context.Context, string) error { return failure }, cfg)
	start(t, jobs)
	row := inState(t, jobs, enqueue(t, q, "x"), rivertype.JobStateCancelled)
	if row.Attempt != 1 || len(row.Errors) != 1 || !strings.Contains(row.Errors[0].Error, reason) {
		t.Errorf("attempt %d, errors %v", row.Attempt, row.Errors)
	}
	if n := q.Stats().GaveUp; n != 1 {
		t.Errorf("gave up %d", n)
	}
}

func retryAfter[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "later", func(context.Context, string) error {
		return channelq.RetryAfter(errors.New("busy"), time.Hour)
	}, durable.QueueConfig[string]{})
	start(t, jobs)
	row := inState(t, jobs, enqueue(t, q, "x"), rivertype.JobStateRetryable)
	if wait := row.ScheduledAt.Sub(row.Errors[0].At); wait < time.Hour || wait > time.Hour+time.Minute {
		t.Errorf("waits %v", wait)
	}
}

func panics[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "rough", func(_ context.Context, how string) error {
		switch how {
		case "panic":
			panic("boom")
		case "goexit":
			runtime.Goexit()
		}
		return nil
	}, durable.QueueConfig[string]{
		Concurrency: 1,
		Retry:       channelq.Retry{Attempts: 1},
		OnGiveUp:    func(context.Context, string, error) { panic("and again") },
	})
	start(t, jobs)
	for how, text := range map[string]string{"panic": "boom", "goexit": "Goexit"} {
		row := inState(t, jobs, enqueue(t, q, how), rivertype.JobStateDiscarded)
		if len(row.Errors) != 1 || !strings.Contains(row.Errors[0].Error, text) {
			t.Errorf("%s: %v", how, row.Errors)
		}
	}
	inState(t, jobs, enqueue(t, q, "fine"), rivertype.JobStateCompleted)
	if n := q.Stats().Panics; n != 4 {
		t.Errorf("%d panics", n)
	}
}

func timeout[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	causes := make(chan error, 1)
	q := newQueue(t, jobs, "slow", func(ctx context.Context, _ string) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}, durable.QueueConfig[string]{Timeout: 10 * time.Millisecond, Retry: channelq.Retry{Attempts: 1}})
	start(t, jobs)
	row := inState(t, jobs, enqueue(t, q, "x"), rivertype.JobStateDiscarded)
	if cause := receive(t, causes); !errors.Is(cause, channelq.ErrTimeout) {
		t.Errorf("cause %v", cause)
	}
	if !strings.Contains(row.Errors[0].Error, "timeout") {
		t.Errorf("recorded %q", row.Errors[0].Error)
	}
}

func undecodable[TTx any](t *testing.T, e env[TTx]) {
	writer := newJobs(t, e.store, durable.EnqueueOnly)
	texts := newQueue[string](t, writer, "numbers", nil, durable.QueueConfig[string]{})
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	numbers := newQueue(t, jobs, "numbers", func(context.Context, int) error { return nil }, durable.QueueConfig[int]{Concurrency: 1})
	start(t, jobs)
	bad := enqueue(t, texts, "seven")
	good := enqueue(t, numbers, 7)
	row := inState(t, jobs, bad, rivertype.JobStateCancelled)
	if row.Attempt != 1 || !strings.Contains(row.Errors[0].Error, "decode") {
		t.Errorf("attempt %d, %v", row.Attempt, row.Errors)
	}
	inState(t, jobs, good, rivertype.JobStateCompleted)
	if f := failuresOf(t, numbers, 1); f[0].Item != `"seven"` {
		t.Errorf("failures %v", f)
	}
}

func payloads[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	got := make(chan string, 1)
	q := newQueue(t, jobs, "text", func(_ context.Context, s string) error { got <- s; return nil }, durable.QueueConfig[string]{})
	empty := newQueue(t, jobs, "empty", func(context.Context, struct{}) error { got <- "{}"; return nil }, durable.QueueConfig[struct{}]{})
	functions := newQueue[func()](t, jobs, "functions", nil, durable.QueueConfig[func()]{})
	start(t, jobs)
	for _, s := range []string{"", "a\"b\\c\u2028ü", strings.Repeat("x", 1<<20)} {
		enqueue(t, q, s)
		if g := receive(t, got); g != s {
			t.Errorf("%d bytes became %d", len(s), len(g))
		}
	}
	enqueue(t, empty, struct{}{})
	receive(t, got)
	if err := functions.Enqueue(t.Context(), func() {}); err == nil {
		t.Error("a function was stored")
	}
}

// The time of a retry is not one of the machine's zone.
func TestRetriesComeInTimeInEveryZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Pacific/Kiritimati", "Pacific/Niue"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.short", "-test.run", "TestOn.*/^(RetryAfterSetsTheDelay|AJobIsRetriedWithRisingGaps|ADelayedJobDoesNotStartEarly)$")
		cmd.Env = append(os.Environ(), "TZ="+zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("in %s: %v\n%s", zone, err, out)
		}
	}
}
