package channelq_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestDetachedWorkersLeaveTheQueueOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		cfg := channelq.WorkerConfig[int]{Concurrency: 1, Detach: true}
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(time.Second); return nil }, cfg)
		enqueue(t, q, 1, 2, 3)
		synctest.Wait()
		if err := w.Stop(t.Context()); err != nil {
			t.Errorf("Stop = %v", err)
		}
		if s := w.Stats(); s.Handled != 1 || s.Depth != 2 || s.Leftover != 0 {
			t.Errorf("%+v", s)
		}
		checkBooks(t, w.Stats())
		next := startWorkers(t, q, nothing, cfg)
		synctest.Wait()
		if s := next.Stats(); s.Handled != 3 {
			t.Errorf("the next workers: %+v", s)
		}
	})
}

func TestAQueueHasOneConsumerThatClosesIt(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	newWorkers(t, q, nothing, channelq.WorkerConfig[int]{})
	if _, err := channelq.NewWorkers(q, nothing, channelq.WorkerConfig[int]{}); err == nil {
		t.Error("second workers were accepted")
	}
	if _, err := channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, channelq.BatchConfig[int]{}); err == nil {
		t.Error("a batcher beside workers was accepted")
	}
	newWorkers(t, q, nothing, channelq.WorkerConfig[int]{Detach: true})
}

func TestWorkersEndByThemselvesWhenTheQueueIsClosedAndDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, cause := range []error{nil, io.ErrUnexpectedEOF} {
			q := newQueue(t, channelq.Config[int]{Capacity: 10})
			tries := 0
			w := startWorkers(t, q, func(context.Context, int) error {
				if tries++; tries == 1 {
					return io.EOF
				}
				return nil
			}, channelq.WorkerConfig[int]{Concurrency: 3, Retry: channelq.Retry{Attempts: 2}})
			enqueue(t, q, 1)
			q.CloseWithError(cause)
			<-w.Done()
			if s := w.Stats(); s.Handled != 1 || s.Retried != 1 || w.Err() != cause { //nolint:errorlint // identity is the point
				t.Errorf("Err = %v: %+v", w.Err(), s)
			}
			if err := w.Stop(t.Context()); err != nil {
				t.Errorf("Stop after the end = %v", err)
			}
		}
	})
}

func TestStartKeepsTheValuesOfItsContextButNotItsEnd(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	q := newQueue(t, channelq.Config[int]{Capacity: 10})
	got := make(chan any, 1)
	w := newWorkers(t, q, func(ctx context.Context, _ int) error {
		if ctx.Err() != nil {
			t.Error("the handler's context has ended")
		}
		got <- ctx.Value(key{})
		return nil
	}, channelq.WorkerConfig[int]{})
	if err := w.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(ctx); err == nil {
		t.Error("started twice")
	}
	cancel()
	enqueue(t, q, 1)
	if v := <-got; v != "value" {
		t.Errorf("value %v", v)
	}
	if err := w.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	late := newWorkers(t, newQueue(t, channelq.Config[int]{}), nothing, channelq.WorkerConfig[int]{})
	if err := late.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Start with a context that has ended = %v", err)
	}
}

func TestGoroutinesCarryTheLabelsOfStartAndNoStrangersLabels(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 10})
	inside := make(chan struct{})
	release := make(chan struct{})
	w := newWorkers(t, q, func(_ context.Context, i int) error {
		if i == 0 {
			runtime.Goexit()
		}
		inside <- struct{}{}
		<-release
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: 1})
	pprof.Do(t.Context(), pprof.Labels("service", "mine"), func(ctx context.Context) {
		if err := w.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	pprof.Do(t.Context(), pprof.Labels("service", "stranger"), func(context.Context) {
		enqueue(t, q, 0, 1, 2, 3)
		if err := w.Resize(3); err != nil {
			t.Error(err)
		}
		for range 3 {
			<-inside
		}
	})
	var profile strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(profile.String(), `"stranger"`) || !strings.Contains(profile.String(), `"mine"`) {
		t.Errorf("labels of the goroutines:\n%s", profile.String())
	}
	close(release)
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
