package durable_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

func isError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func isFull(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, channelq.ErrFull) {
		t.Errorf("%s: %v", what, err)
	}
}

func boundedBacklog[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	cfg := durable.QueueConfig[int]{MaxWaiting: 3}
	q := newQueue(t, jobs, "bounded", nothing[int], cfg)
	other := newQueue[int](t, newJobs(t, e.again(t), durable.EnqueueOnly), "bounded", nil, cfg)
	must(t, q.TryEnqueue(1))
	enqueue(t, q, 2, durable.Unique("one"))
	if again, err := q.EnqueueWith(t.Context(), 2, durable.Unique("one")); err != nil || !again.Duplicate {
		t.Errorf("a duplicate takes no room: %+v, %v", again, err)
	}
	if n, err := q.EnqueueAll(t.Context(), []int{3, 4}); n != 1 || !errors.Is(err, channelq.ErrFull) {
		t.Errorf("%d, %v", n, err)
	}
	isFull(t, "Enqueue", q.Enqueue(t.Context(), 5))
	isFull(t, "TryEnqueue", q.TryEnqueue(5))
	isFull(t, "of another process", other.Enqueue(t.Context(), 5))
	tx, err := e.begin(t.Context())
	must(t, err)
	_, one := durable.EnqueueTx(t.Context(), tx, q, 5)
	_, all := durable.EnqueueAllTx(t.Context(), tx, q, []int{5, 6})
	isFull(t, "in a transaction", one)
	isFull(t, "many in a transaction", all)
	must(t, e.end(t.Context(), tx, false))
	enqueue(t, q, 6, durable.In(time.Hour)) // waits for its time and for no worker
	if s := q.Stats(); s.Refused.Full != 5 || s.Capacity != 3 || s.Accepted != 4 {
		t.Errorf("%+v", s)
	}
	start(t, jobs)
	until(t, "there is room", func() bool { return q.TryEnqueue(7) == nil })
	until(t, "the other process knows", func() bool { return other.TryEnqueue(7) == nil })
}

// One process knows what it has enqueued itself, however fast.
func boundOfOneProcess[TTx any](t *testing.T, e env[TTx]) {
	q := newQueue[int](t, newJobs(t, e.store, durable.EnqueueOnly), "bounded", nil, durable.QueueConfig[int]{MaxWaiting: 20})
	var done sync.WaitGroup
	var accepted atomic.Int64
	for range 8 {
		done.Go(func() {
			for range 10 {
				if err := q.Enqueue(context.Background(), 1); err == nil {
					accepted.Add(1)
				} else {
					isFull(t, "of many", err)
				}
			}
		})
	}
	done.Wait()
	// Beside a count an enqueue may be refused although there is room, for a moment.
	until(t, "it is full", func() bool {
		if q.Enqueue(context.Background(), 1) == nil {
			accepted.Add(1)
		}
		return accepted.Load() >= 20
	})
	isFull(t, "of a queue that is full", q.Enqueue(context.Background(), 1))
	until(t, "the store has as many", func() bool { return q.States()["available"] == int(accepted.Load()) })
	if n := accepted.Load(); n != 20 {
		t.Errorf("%d were accepted", n)
	}
}
