package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
)

// badOutcomes is jobs that fail with texts that a store refuses, among good ones.
func badOutcomes[TTx any](t *testing.T, e env[TTx]) {
	ways := map[string]func(context.Context) error{
		"no such file":   func(context.Context) error { _, err := os.Open("x\x00.png"); return err },
		"panic":          func(context.Context) error { panic("a\x00b") },
		"permanent":      func(context.Context) error { return channelq.Permanent(errors.New("\x00")) },
		"invalid":        func(context.Context) error { return errors.New("a\xffb") },
		"huge":           func(context.Context) error { return errors.New(strings.Repeat("€", 1<<20)) },
		"output":         func(ctx context.Context) error { return river.RecordOutput(ctx, "a\x00b") },
		"output, failed": func(ctx context.Context) error { return errors.Join(river.RecordOutput(ctx, "\x00"), errors.New("no")) },
	}
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	var runs sync.Map
	q := newQueue(t, jobs, "mixed", func(ctx context.Context, way string) error {
		n, _ := runs.LoadOrStore(way, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		if f := ways[way]; f != nil {
			return f(ctx)
		}
		return nil
	}, durable.QueueConfig[string]{Concurrency: 20, Retry: channelq.Retry{Attempts: 1}})
	bad := map[string]int64{}
	var items []string
	for way := range ways {
		bad[way] = enqueue(t, q, way)
		for i := range 20 {
			items = append(items, fmt.Sprint(way, i))
		}
	}
	_, err := q.EnqueueAll(t.Context(), items)
	must(t, err)
	start(t, jobs)
	until(t, "all good ones are completed", func() bool { return q.States()["completed"] >= len(items) })
	for way, id := range bad {
		row, err := durable.Get(t.Context(), jobs, id)
		must(t, err)
		until(t, way+" is over", func() bool {
			row, err = durable.Get(t.Context(), jobs, id)
			must(t, err)
			return row.FinalizedAt != nil
		})
		if way != "output" && (len(row.Errors) != 1 || row.Errors[0].Error == "" || len(row.Errors[0].Error) > 20_000 || strings.Contains(row.Errors[0].Error, "\x00")) {
			t.Errorf("%s: %s, %.200v", way, row.State, row.Errors)
		}
	}
	runs.Range(func(way, n any) bool {
		if n := n.(*atomic.Int32).Load(); n != 1 {
			t.Errorf("%v ran %d times", way, n)
		}
		return true
	})
}

// watched is a store whose driver knows who called it, and may refuse.
type watched[TTx any] struct {
	store.Backend[TTx]

	by     *callers
	refuse func(*riverdriver.JobSetStateIfRunningManyParams) error
}

type watchedDriver[TTx any] struct {
	riverdriver.Driver[TTx]

	store watched[TTx]
}

type watchedExecutor struct {
	riverdriver.Executor

	by     *callers
	refuse func(*riverdriver.JobSetStateIfRunningManyParams) error
}

func (s watched[TTx]) Driver() riverdriver.Driver[TTx] {
	return watchedDriver[TTx]{s.Backend.Driver(), s}
}

func (d watchedDriver[TTx]) GetExecutor() riverdriver.Executor {
	return watchedExecutor{d.Driver.GetExecutor(), d.store.by, d.store.refuse}
}

func (e watchedExecutor) JobSetStateIfRunningMany(ctx context.Context, p *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	e.by.note("JobSetStateIfRunningMany")
	if e.refuse != nil {
		if err := e.refuse(p); err != nil {
			return nil, err
		}
	}
	return e.Executor.JobSetStateIfRunningMany(ctx, p)
}

func (e watchedExecutor) JobRescueMany(ctx context.Context, p *riverdriver.JobRescueManyParams) (*struct{}, error) {
	e.by.note("JobRescueMany")
	return e.Executor.JobRescueMany(ctx, p)
}

func (e watchedExecutor) JobDeleteBefore(ctx context.Context, p *riverdriver.JobDeleteBeforeParams) (int, error) {
	e.by.note("JobDeleteBefore")
	e.by.largest(p.Max)
	return e.Executor.JobDeleteBefore(ctx, p)
}

// callers are the methods of the store's executor that were called: by the hook of
// this package of the same name, or past it.
type callers struct {
	mu            sync.Mutex
	through, past map[string]int
	piece         int // the largest that was deleted at once
}

func (c *callers) largest(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.piece = max(c.piece, n)
}

func (c *callers) note(method string) {
	stack := make([]uintptr, 32)
	frames := runtime.CallersFrames(stack[:runtime.Callers(3, stack)])
	hooked := false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		hooked = hooked || strings.Contains(f.Function, "/durable.") && strings.HasSuffix(f.Function, "."+method)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if hooked {
		c.through[method]++
	} else {
		c.past[method]++
	}
}

func newCallers() *callers { return &callers{through: map[string]int{}, past: map[string]int{}} }

// An engine that takes another way to the store must fail this and not a user.
func hooksAreCalled[TTx any](t *testing.T, e env[TTx]) {
	by := newCallers()
	jobs := newJobs(t, fake[TTx](watched[TTx]{Backend: store.Of(e.store), by: by}), durable.EnqueueAndWork)
	q := newQueue(t, jobs, "hooked", nothing[int], durable.QueueConfig[int]{})
	lost := enqueue(t, q, 1)
	must(t, e.exec(t.Context(), "UPDATE river_job SET state='running', attempt=1, attempted_by="+e.by+", attempted_at='2020-01-01 00:00:00'"))
	start(t, jobs)
	inState(t, jobs, enqueue(t, q, 2), rivertype.JobStateCompleted)
	must(t, durable.Rescue(t.Context(), jobs)) // the second look
	inState(t, jobs, lost, rivertype.JobStateCompleted)
	by.mu.Lock()
	defer by.mu.Unlock()
	if hook := "JobSetStateIfRunningMany"; by.through[hook] == 0 || by.past[hook] != 0 {
		t.Errorf("%s: %d calls by the hook, %d past it", hook, by.through[hook], by.past[hook])
	}
	if n := by.past["JobRescueMany"]; n != 0 {
		t.Errorf("the engine rescued %d times, which is not its business", n)
	}
}

// refusal is what PostgreSQL says of a datum.
type refusal string

func (r refusal) Error() string    { return "refused with " + string(r) }
func (r refusal) SQLState() string { return string(r) }

func refusedBatch[TTx any](t *testing.T, e env[TTx]) {
	for state, again := range map[string]bool{"22P05": false, "23514": false, "57P01": true} {
		var bad atomic.Int64
		var calls, largest atomic.Int32
		refuse := func(p *riverdriver.JobSetStateIfRunningManyParams) error {
			if id := bad.Load(); slices.Contains(p.ID, id) && (!again || calls.Load() < 3) && p.ErrData[slices.Index(p.ID, id)] != nil {
				var a rivertype.AttemptError
				_ = json.Unmarshal(p.ErrData[slices.Index(p.ID, id)], &a)
				if a.Error == "bad" {
					calls.Add(1)
					largest.Store(max(largest.Load(), int32(len(p.ID))))
					return refusal(state)
				}
			}
			return nil
		}
		jobs := newJobs(t, fake[TTx](watched[TTx]{Backend: store.Of(e.store), by: newCallers(), refuse: refuse}), durable.EnqueueAndWork)
		var runs atomic.Int32
		q := newQueue(t, jobs, "batch", func(_ context.Context, i int) error {
			runs.Add(1)
			if i == 0 {
				return errors.New("bad")
			}
			return nil
		}, durable.QueueConfig[int]{Concurrency: 100, Retry: channelq.Retry{Attempts: 1}})
		bad.Store(enqueue(t, q, 0))
		for i := range 49 {
			enqueue(t, q, i+1)
		}
		start(t, jobs)
		row := inState(t, jobs, bad.Load(), rivertype.JobStateDiscarded)
		until(t, "the others are completed", func() bool { return q.States()["completed"] == 49 })
		if runs.Load() != 50 || calls.Load() == 0 || len(row.Errors) != 1 {
			t.Errorf("%s: %d runs, %d refusals, errors %v", state, runs.Load(), calls.Load(), row.Errors)
		}
		if text := row.Errors[0].Error; (text == "bad") != again || !again && !strings.Contains(text, state) {
			t.Errorf("%s: stored %q", state, text)
		}
		stop(t, jobs)
		must(t, e.exec(t.Context(), "DELETE FROM river_job"))
	}
}
