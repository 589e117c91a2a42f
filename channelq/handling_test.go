package channelq_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
)

func TestTimeoutEndsTheHandlersContextWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var got error
		w := startWorkers(t, q, func(ctx context.Context, _ int) error { <-ctx.Done(); return io.EOF },
			channelq.WorkerConfig[int]{Timeout: time.Second, OnGiveUp: func(_ context.Context, _ int, err error) { got = err }})
		enqueue(t, q, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if !errors.Is(got, channelq.ErrTimeout) || !errors.Is(got, context.DeadlineExceeded) || !errors.Is(got, io.EOF) {
			t.Errorf("given up with %v", got)
		}
		checkBooks(t, w.Stats())
	})
}

func TestAnOnGiveUpThatDoesNotReturnCostsNothing(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			calls := 0
			w := startWorkers(t, q, func(context.Context, int) error { runtime.Goexit(); return nil },
				channelq.WorkerConfig[int]{Concurrency: 1, OnGiveUp: func(context.Context, int, error) { calls++; fail() }})
			enqueue(t, q, 1, 2, 3)
			if err := w.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if s := w.Stats(); calls != 3 || s.GaveUp != 3 || s.Panics != 6 {
				t.Errorf("%d calls: %+v", calls, s)
			}
			checkBooks(t, w.Stats())
		})
	}
}

// untouchable is an error that panics when errors.Is or errors.As asks it.
type untouchable struct{}

func (*untouchable) Error() string { return "untouchable" }
func (*untouchable) Unwrap() error { panic("asked") }

func TestAnErrorThatPanicsWhenItIsAskedCountsAsAPanic(t *testing.T) {
	const items = 200 // in a bubble: most of them in runs
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: items})
		for i := range items {
			enqueue(t, q, i)
		}
		w := startWorkers(t, q, func(_ context.Context, i int) error {
			if i%10 == 7 {
				return &untouchable{}
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2})
		synctest.Wait()
		if s := w.Stats(); s.Panics != items/10 || s.GaveUp != items/10 || s.Handled != items-items/10 {
			t.Errorf("workers: %+v", s)
		}
		checkBooks(t, w.Stats())
	})
	q := newQueue(t, channelq.Config[int]{Capacity: items})
	b, err := channelq.NewBatcher(q, func(context.Context, []int) error { return &untouchable{} }, channelq.BatchConfig[int]{MaxItems: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, 1, 2, 3)
	if err := b.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s := b.Stats(); s.Panics != 3 || s.GaveUp != 3 {
		t.Errorf("batcher: %+v", s)
	}
	checkBooks(t, b.Stats())
}

func TestNothingWaitsBehindAStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		w := startWorkers(t, q, func(ctx context.Context, i int) error {
			if i == 0 {
				<-ctx.Done()
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 2})
		for i := range 100 {
			enqueue(t, q, i)
		}
		synctest.Wait()
		if s := w.Stats(); s.Handled != 99 || s.InProgress != 1 {
			t.Errorf("%+v", s)
		}
		_ = w.Stop(within(t, time.Second))
	})
}

func TestFailuresCanBeRequeuedAndDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 2})
		broken := true
		w := startWorkers(t, q, func(context.Context, int) error {
			if broken {
				return io.EOF
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, KeepFailures: 3})
		for i := range 5 {
			enqueue(t, q, i)
			synctest.Wait()
		}
		list := w.Failures()
		if len(list) != 3 || list[0].Item != 2 || list[0].ID != 3 || list[0].Attempts != 1 || !errors.Is(list[0].Err, io.EOF) || !list[0].At.Equal(time.Now()) {
			t.Fatalf("failures %+v", list)
		}
		broken = false
		w.Pause()
		synctest.Wait()
		enqueue(t, q, 10, 11)
		if err := w.Requeue(3); !errors.Is(err, channelq.ErrFull) || len(w.Failures()) != 3 {
			t.Errorf("Requeue into a full queue = %v", err)
		}
		w.Resume()
		synctest.Wait()
		if err := w.Requeue(3); err != nil {
			t.Errorf("Requeue = %v", err)
		}
		if err := w.Discard(4); err != nil {
			t.Errorf("Discard = %v", err)
		}
		if w.Requeue(3) == nil || w.Discard(4) == nil {
			t.Error("a failure was taken twice")
		}
		synctest.Wait()
		if s := w.Stats(); s.Handled != 3 || s.GaveUp != 5 || s.Accepted != 8 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
		if list := w.Failures(); len(list) != 1 || list[0].ID != 5 {
			t.Errorf("failures %+v", list)
		}
	})
}

func TestOneAttemptIn64OfEachWorkerIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 200})
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(20 * time.Millisecond); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1})
		for i := range 129 {
			enqueue(t, q, i)
		}
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := w.Stats().Handle
		if h.Count != 3 || h.Sum != 60*time.Millisecond {
			t.Errorf("%d samples of together %v", h.Count, h.Sum)
		}
		for i, bound := range channelq.HistogramBounds() {
			want := uint64(0)
			if bound >= 20*time.Millisecond {
				want = 3
			}
			if h.Cumulative[i] != want {
				t.Errorf("%d samples of at most %v, want %d", h.Cumulative[i], bound, want)
			}
		}
	})
}

func TestLogLinesNameTheQueueAndNeverThePayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		q := newQueue(t, channelq.Config[string]{Name: "emails", Capacity: 10})
		w := startWorkers(t, q, func(context.Context, string) error { return io.EOF }, channelq.WorkerConfig[string]{
			Concurrency: 1, Retry: channelq.Retry{Attempts: 2}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
		})
		enqueue(t, q, "secret")
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if f := w.Failures(); len(f) != 1 || f[0].ID != 1 {
			t.Errorf("the log has another id than the list: %+v", f)
		}
		if strings.Contains(text, "secret") {
			t.Errorf("the payload is in the log:\n%s", text)
		}
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "queue=emails") {
				t.Errorf("no queue in %q", line)
			}
		}
		for _, want := range []string{"level=WARN", "level=ERROR", "attempt=2", "error=EOF", " delay=", " id=1"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in the log:\n%s", want, text)
			}
		}
	})
}

func TestARetryThatWouldNeverBeIsRefusedByName(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	for field, retry := range map[string]channelq.Retry{
		"Retry.Initial":  {Initial: time.Second},
		"Retry.Max":      {Attempts: 1, Max: time.Second},
		"Retry.Factor":   {Factor: 3},
		"Retry.NoJitter": {NoJitter: true},
		"Retry.If":       {Attempts: 1, If: func(error) bool { return true }},
	} {
		_, err := channelq.NewWorkers(q, nothing, channelq.WorkerConfig[int]{Retry: retry})
		if err == nil || !strings.Contains(err.Error(), field+" has no effect") {
			t.Errorf("workers with %s: %v", field, err)
		}
		_, err = channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, channelq.BatchConfig[int]{Retry: retry})
		if err == nil || !strings.Contains(err.Error(), field+" has no effect") {
			t.Errorf("batcher with %s: %v", field, err)
		}
	}
	newWorkers(t, q, nothing, channelq.WorkerConfig[int]{Retry: channelq.Retry{Attempts: 1}})
}

func TestConfigurationsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	for field, cfg := range map[string]channelq.WorkerConfig[int]{
		"Concurrency":    {Concurrency: -1},
		"Timeout":        {Timeout: -1},
		"RateLimit":      {RateLimit: -1},
		"not a number":   {RateLimit: rate.Limit(math.NaN())},
		"Burst":          {Burst: -1},
		"Retry.Attempts": {Retry: channelq.Retry{Attempts: -1}},
		"Retry.Initial":  {Retry: channelq.Retry{Attempts: 2, Initial: -1}},
		"Retry.Factor":   {Retry: channelq.Retry{Attempts: 2, Factor: 0.5}},
	} {
		if _, err := channelq.NewWorkers(q, nothing, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, cfg := range map[string]channelq.BatchConfig[int]{
		"MaxItems": {MaxItems: -1}, "MaxWait": {MaxWait: -1}, "Timeout": {Timeout: -1}, "Retry.Max": {Retry: channelq.Retry{Attempts: 2, Max: -1}},
	} {
		if _, err := channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := channelq.NewWorkers[int](nil, nothing, channelq.WorkerConfig[int]{}); err == nil {
		t.Error("workers without a queue")
	}
	newWorkers(t, q, nothing, channelq.WorkerConfig[int]{}) // the refused ones have not claimed it
}
