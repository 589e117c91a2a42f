package durable_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// declare adds one schedule of each kind of end.
func declare[TTx any](t *testing.T, jobs *durable.Jobs[TTx]) {
	t.Helper()
	q := newQueue(t, jobs, "tick", func(_ context.Context, how string) error {
		if how == "bad" {
			return channelq.Permanent(errors.New("no paper"))
		}
		return nil
	}, durable.QueueConfig[string]{})
	// No part of the second for which a page may be old: it would show the same moment of each run.
	for _, name := range []string{"good", "bad"} {
		must(t, durable.Every(q, name, periodic.Every(430*time.Millisecond), func() string { return name }))
	}
	must(t, durable.Every(q, "yearly", periodic.Every(24*365*time.Hour), func() string { return "good" }))
	must(t, durable.Every(q, "over", periodic.At(time.Now().Add(-time.Hour)), func() string { return "good" }))
	must(t, durable.Every(q, "broken", brokenSchedule{}, func() string { return "good" }))
}

func statsOf[TTx any](jobs *durable.Jobs[TTx]) map[string]periodic.Stats {
	all := map[string]periodic.Stats{}
	for _, s := range jobs.ScheduleList() {
		all[s.Name()] = s.(interface{ Stats() periodic.Stats }).Stats()
	}
	return all
}

// shownSchedules looks from the process that leads and from one that does not work.
func shownSchedules[TTx any](t *testing.T, e env[TTx]) {
	worker, web := newJobs(t, e.store, durable.EnqueueAndWork), newJobs(t, e.again(t), durable.EnqueueOnly)
	declare(t, worker)
	declare(t, web)
	if s := statsOf(web)["good"]; s.Active || s.Next.IsZero() || !s.LastStarted.IsZero() {
		t.Errorf("before the start: %+v", s)
	}
	start(t, worker)
	host := hosted.New(hosted.Config{})
	host.Add("jobs", web)
	must(t, host.Start(t.Context()))
	t.Cleanup(func() { must(t, host.Stop(context.Background())) })
	for who, jobs := range map[string]*durable.Jobs[TTx]{"worker": worker, "web": web} {
		var s map[string]periodic.Stats
		until(t, who+" shows both kinds of end", func() bool {
			s = statsOf(jobs)
			return s["good"].Active && !s["good"].LastSuccess.IsZero() && s["bad"].Streak > 1
		})
		good, bad := s["good"], s["bad"]
		if good.Schedule != "every 430ms" || s["broken"].Schedule != "" {
			t.Errorf("%s: the rules are %q and %q", who, good.Schedule, s["broken"].Schedule)
		}
		if now := time.Now(); !good.Next.After(now.Add(-time.Minute)) || good.Next.After(now.Add(time.Second)) {
			t.Errorf("%s: next at %v, now %v", who, good.Next, now)
		}
		if r := good.Last; r.Outcome != periodic.Succeeded || r.Err != nil || r.Slot.IsZero() || r.Lateness != r.Started.Sub(r.Slot) || good.Streak != 0 {
			t.Errorf("%s: %+v", who, good)
		}
		if r := bad.Last; r.Outcome != periodic.Failed || r.Err == nil || r.Err.Error() != "no paper" || !bad.LastSuccess.IsZero() || len(bad.History) > 5 {
			t.Errorf("%s: %+v", who, bad)
		}
		if y := s["yearly"]; !y.Active || y.Next.IsZero() || !y.LastStarted.IsZero() {
			t.Errorf("%s: %+v", who, y)
		}
		for _, name := range []string{"over", "broken"} {
			if o := s[name]; o.Active || !o.Next.IsZero() || o.Name != name {
				t.Errorf("%s: %+v", who, o)
			}
		}
	}
	page := dashboard.New(host, dashboard.Config{})
	until(t, "the page shows both kinds of end", func() bool { // a run may be on for a moment
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/schedules", nil))
		shown := w.Body.String()
		return strings.Contains(shown, `data-key="good"`) && strings.Contains(shown, "succeeded") && strings.Contains(shown, "failing")
	})
	if found, err := web.Forget("good"); !found || err != nil || len(web.ScheduleList()) != 4 {
		t.Errorf("forget: %v, %v, %d left", found, err, len(web.ScheduleList()))
	}
}
