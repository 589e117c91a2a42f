package durable_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
)

// The poll of the worker is so far off that whatever waits for it never begins.
func pairsAndBursts[TTx any](t *testing.T, e env[TTx]) {
	cfg := quick(durable.EnqueueAndWork)
	cfg.PollInterval = 10 * time.Minute
	worker, err := durable.New(e.again(t), cfg)
	must(t, err)
	began := make(chan time.Time, 1000)
	newQueue(t, worker, "shared", func(context.Context, int) error { began <- time.Now(); return nil }, durable.QueueConfig[int]{Concurrency: 20})
	start(t, worker)
	web := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, web, "shared", nil, durable.QueueConfig[int]{})
	start(t, web)
	both := func(n int, enqueue func(i int) error) func() {
		return func() {
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { must2(t, enqueue(i)) })
			}
			all.Wait()
		}
	}
	one := func(i int) error { return q.Enqueue(t.Context(), i) }
	inTx := func(i int) error {
		tx, err := e.begin(t.Context())
		if err != nil {
			return err
		}
		if _, err := durable.EnqueueTx(t.Context(), tx, q, i); err != nil {
			return err
		}
		return e.end(t.Context(), tx, true)
	}
	for _, c := range []struct {
		what string
		n    int
		do   func()
	}{
		{"one", 1, func() { must(t, one(0)) }},
		{"two, one after the other", 2, func() { must(t, one(0)); must(t, one(1)) }},
		{"two, side by side", 2, both(2, one)},
		{"twenty, side by side", 20, both(20, one)},
		{"two transactions", 2, func() { must(t, inTx(0)); must(t, inTx(1)) }},
		{"one and a transaction", 2, func() { must(t, one(0)); must(t, inTx(1)) }},
		{"many at once, and one", 11, func() {
			_, err := q.EnqueueAll(t.Context(), make([]int, 10))
			must(t, err)
			must(t, one(1))
		}},
	} {
		var latest []time.Duration
		for range 3 {
			begun := time.Now()
			c.do()
			for range c.n {
				latest = append(latest, receive(t, began).Sub(begun))
			}
		}
		t.Log(summary(c.what, latest))
	}
}

// must2 is must on another goroutine.
func must2(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func summary(what string, all []time.Duration) string {
	var longest, sum time.Duration
	for _, d := range all {
		longest, sum = max(longest, d), sum+d
	}
	return fmt.Sprintf("%s: from the first enqueue to a begin %v on average, %v at most", what, sum/time.Duration(len(all)), longest)
}
