package durable_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/periodic"
)

// boxed looks in JSON like an item that the store wrapped.
type boxed struct {
	Item any `json:"item"`
}

// wrappedItems enqueues JSON of every kind, as it is stored now and as it was before.
func wrappedItems[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	got := make(chan string, 100)
	q := newQueue(t, jobs, "kinds", func(_ context.Context, v any) error { got <- fmt.Sprintf("%T %v", v, v); return nil }, durable.QueueConfig[any]{})
	boxes := newQueue(t, jobs, "boxes", func(_ context.Context, b boxed) error { got <- fmt.Sprint(b.Item); return nil }, durable.QueueConfig[boxed]{})
	expect := func(want string) {
		t.Helper()
		if s := receive(t, got); s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	start(t, jobs)
	for _, v := range []any{"text", "", 1.5, true, nil, []any{1.0}, map[string]any{}, map[string]any{"item": "x"}, map[string]any{"item": nil}} {
		id := enqueue(t, q, v)
		expect(fmt.Sprintf("%T %v", v, v))
		row, err := durable.Get(t.Context(), jobs, id)
		must(t, err)
		if !strings.HasPrefix(string(row.EncodedArgs), "{") {
			t.Errorf("stored %s", row.EncodedArgs)
		}
		_, errAll := q.EnqueueAll(t.Context(), []any{v})
		must(t, errAll)
		expect(fmt.Sprintf("%T %v", v, v))
		must(t, durable.Every(q, fmt.Sprintf("every %v", v), hours(1), func() any { return v }))
		for _, s := range jobs.ScheduleList() {
			must(t, s.(interface{ Trigger() error }).Trigger())
		}
		expect(fmt.Sprintf("%T %v", v, v))
		_, err = jobs.Forget(fmt.Sprintf("every %v", v))
		must(t, err)
	}
	enqueue(t, boxes, boxed{Item: map[string]any{"item": "inner"}})
	expect("map[item:inner]")
	// Rows of an earlier version.
	for args, want := range map[string]string{`5`: "float64 5", `[2]`: "[]interface {} [2]", `{"item":3}`: "map[string]interface {} map[item:3]"} {
		insert := "INSERT INTO river_job (args, kind, queue, max_attempts, metadata) VALUES ('" + args + "', 'kinds', 'kinds', 5, '{}')"
		must(t, e.exec(t.Context(), insert))
		expect(want)
	}
}

// olderRows are those of a store that River v0.31 made and wrote to.
func olderRows[TTx any](t *testing.T, e env[TTx]) {
	m, err := rivermigrate.New(store.Of(e.store).Driver(), &rivermigrate.Config{Schema: e.schema})
	must(t, err)
	_, err = m.Migrate(t.Context(), rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: 6})
	must(t, err)
	rows := map[string]string{`"text"`: "text", `7`: "7", `null`: "<nil>", `[1]`: "[1]", `{"to":"ann"}`: "map[to:ann]"}
	for args := range rows {
		must(t, e.exec(t.Context(), "INSERT INTO river_job (args, kind, queue, max_attempts, metadata) VALUES ('"+args+"', 'kinds', 'kinds', 5, '{}')"))
	}
	must(t, durable.Migrate(t.Context(), e.store))
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	got := make(chan string, len(rows))
	newQueue(t, jobs, "kinds", func(_ context.Context, v any) error { got <- fmt.Sprint(v); return nil }, durable.QueueConfig[any]{})
	start(t, jobs)
	for range len(rows) {
		s := receive(t, got)
		maps.DeleteFunc(rows, func(_, want string) bool { return want == s })
	}
	if len(rows) > 0 {
		t.Errorf("never came: %v", rows)
	}
}

// badSchedules are schedules of which each fails in its way beside a good one.
func badSchedules[TTx any](t *testing.T, e env[TTx]) {
	var said log
	cfg := quick(durable.EnqueueAndWork)
	cfg.Logger = textLogger(&said)
	jobs, err := durable.New(e.store, cfg)
	must(t, err)
	got := make(chan int, 1000)
	q := newQueue(t, jobs, "tick", func(_ context.Context, raw json.RawMessage) error {
		select {
		case got <- len(raw):
		default: // nobody looks any more
		}
		return nil
	}, durable.QueueConfig[json.RawMessage]{})
	fast := periodic.Every(50 * time.Millisecond)
	release := make(chan struct{})
	defer close(release)
	item := func(text string) func() json.RawMessage {
		return func() json.RawMessage { return json.RawMessage(text) }
	}
	for name, make := range map[string]func() json.RawMessage{
		"refused":   item(`"\u0000"`),
		"malformed": item(`{`),
		"panics":    func() json.RawMessage { panic("no item") },
		"goexits":   func() json.RawMessage { goexit(); return nil },
		"hangs":     func() json.RawMessage { <-release; return nil },
	} {
		must(t, durable.Every(q, name, fast, make))
	}
	refuseRows(t, e, "kind", "= 'refused'")
	elsewhere := newQueue[int](t, jobs, "refused", nil, durable.QueueConfig[int]{})
	must(t, durable.Every(elsewhere, "store", fast, func() int { return 1 }))
	must(t, durable.Every(q, "next hangs", hangingSchedule{release}, item("1")))
	must(t, durable.Every(q, "next exits", exitingSchedule{}, item("1")))
	must(t, durable.Every(q, "good", fast, item("1")))
	start(t, jobs)
	for range 5 {
		receive(t, got)
	}
	for _, name := range []string{"refused", "malformed", "panics", "goexits", "hangs", "store"} {
		until(t, name+" is said to skip", func() bool { return said.line("slot skipped", "job="+name, "ERROR") != "" })
	}
	until(t, "it is said that one does not answer", func() bool { return said.line("does not answer", `job="next hangs"`) != "" })
	until(t, "it is said that one ended", func() bool { return said.line("schedule ended", `job="next exits"`) != "" })
	for len(got) > 0 {
		<-got
	}
	receive(t, got) // the good one goes on
	for _, s := range jobs.ScheduleList() {
		if err := s.(interface{ Trigger() error }).Trigger(); err == nil && s.Name() == "goexits" {
			t.Error("triggered although the function ends its goroutine")
		}
		if s.Name() == "goexits" {
			break
		}
	}
}

type hangingSchedule struct{ release chan struct{} }

func (s hangingSchedule) Next(after time.Time) time.Time { <-s.release; return after.Add(time.Hour) }

type exitingSchedule struct{}

func (exitingSchedule) Next(time.Time) time.Time { goexit(); return time.Time{} }

func thenRefuses[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	next := newQueue[any](t, jobs, "next", nil, durable.QueueConfig[any]{})
	runs := make(chan error, 10)
	q := newQueue(t, jobs, "first", func(ctx context.Context, raw string) error {
		runs <- durable.Then[any](ctx, next, json.RawMessage(raw))
		return nil
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Attempts: 3, Initial: time.Millisecond}})
	start(t, jobs)
	for what, item := range hostileItems {
		if len(item.raw) > 1000 || strings.Contains(item.raw, "\xff") {
			continue // this test brings it as a text
		}
		inState(t, jobs, enqueue(t, q, item.raw), rivertype.JobStateCompleted)
		if err := receive(t, runs); err == nil || !strings.Contains(err.Error(), item.where) || !strings.Contains(err.Error(), `then "next"`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What only the store itself knows of comes to light with the completion.
	refuseRows(t, e, "kind", "= 'next'")
	row := inState(t, jobs, enqueue(t, q, "1"), rivertype.JobStateCancelled)
	if n := len(runs); n != 1 || len(row.Errors) != 1 {
		t.Errorf("ran %d times, errors %v", n, row.Errors)
	}
}
