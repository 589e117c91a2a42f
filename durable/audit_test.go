package durable_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/lifecycle"
)

func entryBy(actor string) lifecycle.AuditEntry {
	return lifecycle.AuditEntry{Actor: actor, Action: "requeue", Job: 7, Count: 1}
}

func auditTrail[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "numbers", nil, durable.QueueConfig[int]{})
	if list, next, err := jobs.AuditTrail(t.Context(), 0); err != nil || len(list) > 0 || next != 0 {
		t.Errorf("at first: %v, %d, %v", list, next, err)
	}
	must(t, q.Audit(t.Context())) // nothing
	oldHistory(t, e, jobs, q)
	var many []lifecycle.AuditEntry
	for id := range int64(150) {
		many = append(many, lifecycle.AuditEntry{Actor: "ann", Action: "discard_all", Job: id + 1, Count: 1, Detail: "no such <box>"})
	}
	must(t, q.Audit(t.Context(), many...))
	must(t, newJobs(t, e.again(t), durable.EnqueueOnly).Audit(t.Context(), lifecycle.AuditEntry{
		ID: 99, At: time.Unix(1, 0), Actor: "bob", Action: "requeue", Kind: "queue", Name: "others", Count: 1_000_000, Detail: "all of March",
	}))
	list, next, err := jobs.AuditTrail(t.Context(), 0)
	must(t, err)
	if len(list) != 100 || next != list[99].ID {
		t.Fatalf("%d entries, next %d", len(list), next)
	}
	if first := list[0]; time.Since(first.At).Abs() > time.Hour {
		t.Errorf("it is of %v", first.At)
	}
	first := list[0]
	first.ID, first.At = 0, time.Time{}
	if want := (lifecycle.AuditEntry{Actor: "bob", Action: "requeue", Kind: "queue", Name: "others", Count: 1_000_000, Detail: "all of March"}); first != want {
		t.Errorf("the newest is %+v", first)
	}
	older, next, err := jobs.AuditTrail(t.Context(), next)
	must(t, err)
	if len(older) != 51 || next != 0 {
		t.Fatalf("%d older entries, next %d", len(older), next)
	}
	for i, entry := range append(list[1:], older...) {
		if entry.Job != int64(150-i) || entry.Name != "numbers" || entry.Kind != "queue" || entry.Detail != "no such <box>" || entry.Actor != "ann" {
			t.Fatalf("entry %d is %+v", i, entry)
		}
	}
	auditedTexts(t, jobs)
}

func auditedTexts[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	for given, want := range map[string]string{
		"":                          "",
		"ann\x00 o'neill":           "ann\uFFFD o'neill",
		"\xff\xfe":                  "\uFFFD",
		`{"a": "\u0000"}`:           `{"a": "\u0000"}`,
		"日本 🙂":                      "日本 🙂",
		strings.Repeat("a", 1<<20):  strings.Repeat("a", 256) + "... (1048320 bytes more)",
		strings.Repeat("é", 200):    strings.Repeat("é", 128) + "... (144 bytes more)",
		strings.Repeat("\x80", 300): "... (300 bytes more)",
	} {
		must(t, jobs.Audit(t.Context(), lifecycle.AuditEntry{Actor: given, Action: given, Kind: given, Name: given, Detail: given}))
		list, _, err := jobs.AuditTrail(t.Context(), 0)
		must(t, err)
		if got := list[0].Actor; got != want {
			t.Errorf("%.40q is %q, want %q", given, got, want)
		}
		for _, text := range []string{list[0].Action, list[0].Kind, list[0].Name, list[0].Detail} {
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") || len(text) > 13000 {
				t.Errorf("%.40q is %.80q", given, text)
			}
		}
	}
}

func auditedSchedules[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	ann, s := durable.WithActor(t.Context(), "ann"), jobs.Schedules()
	must(t, s.Put(t.Context(), durable.Schedule{Name: "nobody", Cron: "@yearly", Queue: "numbers", Payload: 1}))
	must(t, s.Put(ann, durable.Schedule{Name: "news", Cron: "@yearly", Queue: "numbers", Payload: 1}))
	for _, do := range []func(context.Context, string) error{s.Pause, s.Resume, s.Trigger, s.Delete} {
		must(t, do(ann, "news"))
		if do(ann, "none") == nil {
			t.Error("there is a schedule that there is not")
		}
	}
	for _, one := range jobs.ScheduleList() {
		if one.Name() == "code" {
			must(t, one.(interface {
				Audit(ctx context.Context, entries ...lifecycle.AuditEntry) error
			}).Audit(t.Context(), lifecycle.AuditEntry{Actor: "bob", Action: "trigger"}))
		}
	}
	list, _, err := jobs.AuditTrail(t.Context(), 0)
	must(t, err)
	var said []string
	for _, entry := range list {
		said = append(said, strings.Join([]string{entry.Actor, entry.Action, entry.Kind, entry.Name}, " "))
	}
	const want = "bob trigger schedule code, ann delete schedule news, ann trigger schedule news, ann resume schedule news, ann pause schedule news, ann put schedule news"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("the trail has %s", got)
	}
}
