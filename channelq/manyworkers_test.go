package channelq_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/steadgo/stead/channelq"
)

// A worker that comes or goes, waits or is woken must not look at all others: of ten
// thousand workers a pause took seconds, and a stop all of its budget.
func TestOfManyWorkersNoneLooksAtAllOthers(t *testing.T) {
	q, err := channelq.New(channelq.Config[int]{Capacity: 1000})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{Concurrency: 300})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, size := range []int{300, 100, 200, 65} {
		if err := w.Resize(size); err != nil {
			t.Fatal(err)
		}
		w.Pause()
		w.Resume()
		for n, _ := w.Places(); n != size; n, _ = w.Places() {
			if n < 0 {
				t.Fatal("a worker does not know its place")
			}
			runtime.Gosched()
		}
		for range 500 {
			if err := q.Enqueue(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, prefetched := w.Places(); prefetched {
		t.Error("workers prefetched, so each that waits looks at all others")
	}
	if err := w.Stop(t.Context()); err != nil || q.Stats().Counts()["handled"] != 4*500 {
		t.Errorf("stop: %v, counts %v", err, q.Stats().Counts())
	}
}

func TestWorkersMayBeResizedWhileTheyStart(t *testing.T) {
	for range 20 {
		q, err := channelq.New(channelq.Config[int]{Capacity: 1})
		if err != nil {
			t.Fatal(err)
		}
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{})
		if err != nil {
			t.Fatal(err)
		}
		resized := make(chan error)
		go func() { resized <- w.Resize(3) }()
		if err := errors.Join(w.Start(t.Context()), <-resized, w.Stop(t.Context())); err != nil {
			t.Error(err)
		}
	}
}
