package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Plan says how much is measured.
type Plan struct {
	Rounds  int // of both, in turns
	Enqueue int // single inserts a round
	Drain   int // further jobs a round
	Backlog int // jobs of the one run with ten workers
	Probes  int // of the latency when idle
}

// Round is one measurement of one contender.
type Round struct {
	EnqueueMicros float64 `json:"enqueue_us"` // mean of one insert
	DrainMicros   float64 `json:"drain_us"`   // for each job, from the start of the client to the last handler
}

// Store is what was measured on one store.
type Store struct {
	Name    string             `json:"name"`
	Rounds  map[string][]Round `json:"rounds"` // by contender; the same index is the same turn
	Probes  []float64          `json:"latency_ms"`
	Drained float64            `json:"drain_5000_s"`
}

// Measure measures both on the stores that open gives, a fresh one each time.
func Measure[TTx any](ctx context.Context, name string, plan Plan, open func(context.Context) (Opened[TTx], error)) (Store, error) {
	s := Store{Name: name, Rounds: map[string][]Round{}}
	both := makers[TTx]()
	for i := range plan.Rounds + 1 { // the first is not counted: it warms up
		for _, m := range both {
			r, err := measure(ctx, m, plan, open, many)
			if err != nil {
				return s, fmt.Errorf("%s on %s: %w", m.name, name, err)
			}
			if i > 0 {
				s.Rounds[m.name] = append(s.Rounds[m.name], r)
			}
		}
		slices.Reverse(both) // who is first changes
	}
	var err error
	if s.Drained, err = drain(ctx, plan, open); err == nil {
		s.Probes, err = latency(ctx, plan, open)
	}
	return s, err
}

type opener[TTx any] func(context.Context) (Opened[TTx], error)

func measure[TTx any](ctx context.Context, m maker[TTx], plan Plan, open opener[TTx], workers int) (r Round, err error) {
	store, err := open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var left atomic.Int64
	left.Store(int64(plan.Enqueue + plan.Drain))
	done := make(chan struct{})
	c, err := m.make(store, func(context.Context, item) error {
		if left.Add(-1) == 0 {
			close(done)
		}
		return nil
	}, workers)
	if err != nil {
		return r, err
	}
	at := time.Now()
	for i := range plan.Enqueue {
		if err := c.enqueue(ctx, newItem(i)); err != nil {
			return r, err
		}
	}
	r.EnqueueMicros = micros(time.Since(at), plan.Enqueue)
	if err := c.enqueueAll(ctx, items(plan.Drain)); err != nil {
		return r, err
	}
	at = time.Now()
	if err := c.start(ctx); err != nil {
		return r, err
	}
	<-done
	r.DrainMicros = micros(time.Since(at), plan.Enqueue+plan.Drain)
	return r, c.stop(ctx)
}

// drain is ten workers and a backlog, in seconds for 5,000 jobs.
func drain[TTx any](ctx context.Context, plan Plan, open opener[TTx]) (float64, error) {
	plan.Enqueue, plan.Drain = 0, plan.Backlog
	r, err := measure(ctx, makers[TTx]()[1], plan, open, few)
	return r.DrainMicros * 5000 / 1e6, err
}

// latency is from before an enqueue until the handler runs, with nothing else to
// do, in milliseconds.
func latency[TTx any](ctx context.Context, plan Plan, open opener[TTx]) (all []float64, err error) {
	store, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	began := make(chan time.Time, 1)
	c, err := adapted(store, func(context.Context, item) error { began <- time.Now(); return nil }, few)
	if err == nil {
		err = c.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	for i := range plan.Probes {
		// Not in step with anything that ticks.
		time.Sleep(20*time.Millisecond + time.Duration(i*7919%30)*time.Millisecond)
		at := time.Now()
		if err := c.enqueue(ctx, newItem(i)); err != nil {
			return nil, err
		}
		all = append(all, float64((<-began).Sub(at))/float64(time.Millisecond))
	}
	return all, c.stop(ctx)
}

func items(n int) []item {
	all := make([]item, n)
	for i := range all {
		all[i] = newItem(i)
	}
	return all
}

func micros(d time.Duration, n int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(n, 1))
}
