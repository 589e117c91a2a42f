package durable_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

// failedOnce is the column of one failed attempt.
func failedOnce[TTx any](e env[TTx], why string) string {
	column := `{"attempt": 1, "at": "2026-01-02T03:04:05Z", "error": "` + why + `", "trace": ""}`
	column = strings.ReplaceAll(column, "'", "''")
	if _, ok := any(e.store).(*postgres.Store); ok {
		return "ARRAY['" + column + "'::jsonb]"
	}
	return "jsonb('[" + column + "]')"
}

// endAgo plays that a job gave up.
func endAgo[TTx any](t *testing.T, e env[TTx], where string, ago time.Duration, why string) {
	t.Helper()
	at := utc(-ago) + ".000"
	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state = 'discarded', attempt = 1, attempted_at = '%s', finalized_at = '%s', errors = %s WHERE %s",
		at, at, failedOnce(e, why), where)))
}

func itemsOf(list []channelq.StoredJob) (items []string) {
	for _, k := range list {
		items = append(items, k.Item.(string))
	}
	return items
}

func findsJobs[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	cfg := durable.QueueConfig[string]{Key: func(s string) string { return s[:1] }}
	q := newQueue[string](t, jobs, "listed", nil, cfg)
	other := newQueue[string](t, jobs, "other", nil, cfg)
	ids := map[string]int64{}
	for _, item := range strings.Fields("a1 a2 b1 b2 b3 a3") {
		ids[item] = enqueue(t, q, item)
	}
	foreign := enqueue(t, other, "a4")
	endAgo(t, e, fmt.Sprintf("id = %d", ids["a2"]), 2*time.Hour, "no paper")
	endAgo(t, e, fmt.Sprintf("id = %d", ids["b1"]), time.Hour, "no ink, 100% 'empty'")
	between := time.Now().Add(-90 * time.Minute)
	for want, f := range map[string]channelq.JobFilter{
		"a3 b3 b2 b1 a2 a1": {},
		"b1 a2":             {States: []string{"discarded"}},
		"b1 a2 ":            {States: []string{"discarded", "cancelled", "discarded"}},
		"a3 a1":             {States: []string{"pending"}, Key: "a"},
		"a3 a2 a1":          {Key: "a"},
		"a2":                {Error: "paper"},
		"b1":                {Error: "100% 'e"},
		"":                  {Error: "Paper"},
		"b1 ":               {States: []string{"discarded"}, Since: between},
		"a2 ":               {Until: between},
		"a3 b3 b2 b1 a1":    {Since: between},
		"a1":                {ID: ids["a1"]},
		" ":                 {ID: foreign},
		"  ":                {ID: ids["a1"], States: []string{"discarded"}},
		"   ":               {States: []string{"running", "completed"}},
	} {
		list, next, err := q.FindJobs(t.Context(), f, "")
		must(t, err)
		if got := itemsOf(list); !slices.Equal(got, strings.Fields(want)) || next != "" {
			t.Errorf("%+v: %q and %q, want %q", f, got, next, want)
		}
		wantJobs(t, q, f, len(strings.Fields(want)))
	}
}

func refusesFilters[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[string](t, jobs, "listed", nil, durable.QueueConfig[string]{})
	now := time.Now()
	for want, f := range map[string]channelq.JobFilter{
		`there is no state "dead'; --"`: {States: []string{"dead'; --"}},
		"ID is negative":                {ID: -1},
		"Error is 257 bytes":            {Error: strings.Repeat("x", 257)},
		"Error is not UTF-8":            {Error: "\xff"},
		"NUL":                           {Error: "\x00"},
		"Key: the name is not UTF-8":    {Key: "\xff"},
		"Since is not before Until":     {Since: now, Until: now},
		"the year is not":               {Since: now.AddDate(20_000, 0, 0)},
	} {
		if _, _, err := q.FindJobs(t.Context(), f, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("find %+v: %v", f, err)
		}
		f.States = append(f.States, "discarded")
		if _, _, err := q.CountJobs(t.Context(), f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("count %+v: %v", f, err)
		}
		if _, _, err := q.DiscardJobs(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("discard %+v: %v", f, err)
		}
	}
	for _, after := range []string{"nonsense", "-1", "0", "1 nonsense", "1x", "9223372036854775808", "1 2026-01-01 00:00:00'"} {
		if _, _, err := q.FindJobs(t.Context(), channelq.JobFilter{States: []string{"discarded"}}, after); err == nil || !strings.Contains(err.Error(), "no page behind") {
			t.Errorf("behind %q: %v", after, err)
		}
	}
	for want, do := range map[string]func(context.Context, channelq.JobFilter, func(int, int)) (int, int, error){
		"running cannot be requeued": q.RequeueJobs, "running cannot be discarded": q.DiscardJobs,
	} {
		if _, _, err := do(t.Context(), channelq.JobFilter{States: []string{"running"}}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, _, err := do(t.Context(), channelq.JobFilter{}, nil); err == nil || !strings.Contains(err.Error(), "States is empty") {
			t.Error(err)
		}
	}
}

// Of a queue with more jobs in a state than a page goes through.
func findsAmongMany[TTx any](t *testing.T, e env[TTx]) {
	fill(t, e, 3_400) // nine of ten are usual
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	usual := newQueue[map[string]int](t, jobs, "usual", nil, durable.QueueConfig[map[string]int]{})
	rare := newQueue[map[string]int](t, jobs, "rare", nil, durable.QueueConfig[map[string]int]{})
	must(t, e.exec(t.Context(), "UPDATE river_job SET finalized_at = '2020-01-01 00:00:00' WHERE id % 3 = 0"))
	for _, states := range [][]string{{"completed"}, nil} {
		f := channelq.JobFilter{States: states}
		var seen []int64
		for _, q := range []*durable.Queue[map[string]int]{usual, rare} {
			after, last := "", channelq.StoredJob{}
			for range 3 {
				list, next, err := q.FindJobs(t.Context(), f, after)
				must(t, err)
				if len(list) != 100 || next == "" {
					t.Fatalf("a page of %d, then %q", len(list), next)
				}
				for _, k := range list {
					older := last.ID == 0 || states != nil && k.At.Before(last.At) || (states == nil || k.At.Equal(last.At)) && k.ID < last.ID
					if !older || slices.Contains(seen, k.ID) {
						t.Fatalf("%d of %v is behind %d of %v", k.ID, k.At, last.ID, last.At)
					}
					last, seen = k, append(seen, k.ID)
				}
				after = next
			}
		}
		f.Error = "none"
		list, next, err := usual.FindJobs(t.Context(), f, "")
		if err != nil || len(list) != 0 || next == "" {
			t.Errorf("it went through all: %d, %q, %v", len(list), next, err)
		}
		if list, next, err = usual.FindJobs(t.Context(), f, next); err != nil || len(list) != 0 || next != "" {
			t.Errorf("it never ends: %d, %q, %v", len(list), next, err)
		}
	}
	wantJobs(t, usual, channelq.JobFilter{}, 3_060)
}

// The store keeps times less exactly than a program has them.
func exactBounds[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[string](t, jobs, "listed", nil, durable.QueueConfig[string]{})
	enqueue(t, q, "one")
	list, _, err := q.FindJobs(t.Context(), channelq.JobFilter{}, "")
	must(t, err)
	at := list[0].At
	for _, c := range []struct {
		f    channelq.JobFilter
		want int
	}{
		{channelq.JobFilter{Since: at, Until: at.Add(1)}, 1}, {channelq.JobFilter{Since: at.Add(1)}, 0}, {channelq.JobFilter{Until: at}, 0},
		{channelq.JobFilter{Until: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)}, 1},
	} {
		wantJobs(t, q, c.f, c.want)
	}
	// Only what FindJobs has returned is where a page begins.
	for _, after := range []string{"5 2026-01-01 00:00:00,5", "5 0000-01-01 00:00:00", "5x", "-1", "99999999999999999999", "5 \x00"} {
		if _, _, err := q.FindJobs(t.Context(), states("discarded"), after); err == nil || !strings.Contains(err.Error(), "there is no page behind") {
			t.Errorf("behind %q: %v", after, err)
		}
	}
}
