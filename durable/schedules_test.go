package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/periodic"
)

const eachSecond = "* * * * * *"

// ran is one run of a schedule of the queue "letters".
type ran struct {
	text string
	slot time.Time
}

// letters is a process that works that queue.
func letters[TTx any](t *testing.T, s durable.Store[TTx], got chan<- ran) *durable.Jobs[TTx] {
	t.Helper()
	jobs := newJobs(t, s, durable.EnqueueAndWork)
	newQueue(t, jobs, "letters", func(ctx context.Context, text string) error {
		got <- ran{text, periodic.Scheduled(ctx)}
		return nil
	}, durable.QueueConfig[string]{})
	return jobs
}

func listed(t *testing.T, s durable.Schedules, name string) durable.Schedule {
	t.Helper()
	all, err := s.List(t.Context())
	must(t, err)
	for _, one := range all {
		if one.Name == name {
			return one
		}
	}
	return durable.Schedule{}
}

func storedSchedule[TTx any](t *testing.T, e env[TTx]) {
	got := make(chan ran, 99)
	one, two := letters(t, e.store, got), letters(t, e.again(t), got)
	start(t, one)
	start(t, two)
	web := newJobs(t, e.store, durable.EnqueueOnly) // does not have the queue
	must(t, web.Schedules().Put(t.Context(), durable.Schedule{Name: "news", Cron: eachSecond, Zone: "Europe/Zurich", Queue: "letters", Payload: "hello"}))
	slots := map[time.Time]bool{}
	for range 2 {
		r := receive(t, got)
		if r.text != "hello" || slots[r.slot] || r.slot.Nanosecond() != 0 {
			t.Errorf("%+v after %v", r, slots)
		}
		slots[r.slot] = true
	}
	s := listed(t, web.Schedules(), "news")
	if s.Cron != eachSecond || s.Zone != "Europe/Zurich" || s.Queue != "letters" || string(s.Payload.(json.RawMessage)) != `"hello"` || s.InCode || s.Paused || !s.Next.After(s.Last) {
		t.Errorf("listed %+v", s)
	}
	until(t, "the other one shows it", func() bool { shown := statsOf(two)["news"]; return shown.Schedule != "" && shown.Active })
}

// A job of a schedule in the store has a key like any other of its queue.
func keyedSchedule[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	begun, free := make(chan string, 9), make(chan struct{})
	q := newQueue(t, jobs, "shops", func(ctx context.Context, k keyed) error {
		begun <- k.How
		select {
		case <-free:
		case <-ctx.Done():
		}
		return nil
	}, durable.QueueConfig[keyed]{Concurrency: 3, Key: byKey})
	start(t, jobs)
	must(t, q.Enqueue(t.Context(), keyed{Key: "a", How: "by hand"}))
	receive(t, begun)
	must(t, jobs.Schedules().Put(t.Context(), durable.Schedule{Name: "yearly", Cron: "0 0 1 1 *", Queue: "shops", Payload: keyed{Key: "a", How: "triggered"}}))
	must(t, jobs.Schedules().Trigger(t.Context(), "yearly"))
	must(t, q.Enqueue(t.Context(), keyed{Key: "b", How: "another"}))
	if how := receive(t, begun); how != "another" {
		t.Errorf("%s began beside a job of its key", how)
	}
	if waiting := q.Jobs("pending"); len(waiting) != 1 {
		t.Errorf("these wait for their key: %+v", waiting)
	}
	close(free)
	if how := receive(t, begun); how != "triggered" {
		t.Errorf("%s began", how)
	}
}

func changedSchedule[TTx any](t *testing.T, e env[TTx]) {
	got := make(chan ran, 99)
	jobs := letters(t, e.store, got)
	s := jobs.Schedules()
	put := func(cron, text string) {
		t.Helper()
		must(t, s.Put(t.Context(), durable.Schedule{Name: "news", Cron: cron, Queue: "letters", Payload: text}))
	}
	for what, do := range map[string]func(context.Context, string) error{"pause": s.Pause, "resume": s.Resume, "delete": s.Delete, "trigger": s.Trigger} {
		if err := do(t.Context(), "none"); !errors.Is(err, durable.ErrNoSchedule) {
			t.Errorf("%s: %v", what, err)
		}
	}
	start(t, jobs)
	put("0 0 1 1 *", "yearly")
	until(t, "begun", func() bool { return !listed(t, s, "news").Next.IsZero() })
	must(t, s.Trigger(t.Context(), "news"))
	if r := receive(t, got); r.text != "yearly" || time.Since(r.slot) > time.Minute {
		t.Errorf("triggered: %+v", r)
	}
	must(t, s.Pause(t.Context(), "news"))
	put(eachSecond, "often") // it remains paused
	if l := listed(t, s, "news"); !l.Paused || l.Cron != eachSecond || !l.Next.IsZero() {
		t.Errorf("paused: %+v", l)
	}
	must(t, s.Trigger(t.Context(), "news"))
	receive(t, got)
	// It was paused for an hour: nothing of that is made up for.
	must(t, e.exec(t.Context(), "UPDATE stead_schedule SET last = last - 3600000000000 WHERE name = 'news'"))
	resumed := time.Now()
	must(t, s.Resume(t.Context(), "news"))
	if r := receive(t, got); r.text != "often" || r.slot.Before(resumed.Truncate(time.Second)) {
		t.Errorf("resumed at %v: %+v", resumed, r)
	}
	must(t, s.Delete(t.Context(), "news"))
	if l := listed(t, s, "news"); l.Name != "" {
		t.Errorf("deleted: %+v", l)
	}
	if err := s.Delete(t.Context(), "news"); !errors.Is(err, durable.ErrNoSchedule) {
		t.Errorf("deleted twice: %v", err)
	}
}

// twoRules is a deployment: each version puts its rule when it starts.
func twoRules[TTx any](t *testing.T, e env[TTx]) {
	got := make(chan ran, 99)
	older, newer := letters(t, e.store, got), letters(t, e.again(t), got)
	start(t, older)
	start(t, newer)
	put := func(jobs *durable.Jobs[TTx], cron, text string) {
		t.Helper()
		must(t, jobs.Schedules().Put(t.Context(), durable.Schedule{Name: "news", Cron: cron, Queue: "letters", Payload: text}))
	}
	put(older, eachSecond, "old")
	receive(t, got)
	put(newer, "*/2 * * * * *", "new")
	for slots := map[time.Time]bool{}; len(slots) < 1; {
		r := receive(t, got)
		if slots[r.slot] {
			t.Errorf("%v twice", r.slot)
		}
		if slots[r.slot] = true; r.text == "old" { // it was taken before
			delete(slots, r.slot)
			continue
		}
		if r.slot.Second()%2 != 0 {
			t.Errorf("%+v is no slot of the rule that holds", r)
		}
	}
	if l := listed(t, older.Schedules(), "news"); l.Cron != "*/2 * * * * *" {
		t.Errorf("listed %+v", l)
	}
}

func refusedSchedules[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "letters", nothing[string], durable.QueueConfig[string]{})
	must(t, durable.Every(q, "code", hours(1), func() string { return "" }))
	good := durable.Schedule{Name: "news", Cron: "@daily", Queue: "letters", Payload: "x"}
	for want, change := range map[string]func(*durable.Schedule){
		"":          func(*durable.Schedule) {},
		"name":      func(s *durable.Schedule) { s.Name = "a\x00" },
		"of Every":  func(s *durable.Schedule) { s.Name = "code" },
		"Cron":      func(s *durable.Schedule) { s.Cron = "every day" },
		"Zone":      func(s *durable.Schedule) { s.Zone = "Mars" },
		"Queue":     func(s *durable.Schedule) { s.Queue = "NO" },
		"Payload: ": func(s *durable.Schedule) { s.Payload = make(chan int) },
		"no string": func(s *durable.Schedule) { s.Payload = 7 },
	} {
		s := good
		change(&s)
		err := jobs.Schedules().Put(t.Context(), s)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%q: %v", want, err)
		}
	}
	start(t, jobs)
	until(t, "both are listed", func() bool {
		return listed(t, jobs.Schedules(), "code").InCode && !listed(t, jobs.Schedules(), "news").Next.IsZero()
	})
}
