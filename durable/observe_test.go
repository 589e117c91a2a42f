package durable_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/hosted"
)

// office is a host with durable jobs of every kind of end.
type office[TTx any] struct {
	host  *hosted.Host
	jobs  *durable.Jobs[TTx]
	queue *durable.Queue[string]
	ids   map[string]int64
	end   chan struct{} // of the job that is running
}

func openOffice[TTx any](t *testing.T, e env[TTx]) *office[TTx] {
	t.Helper()
	o := &office[TTx]{jobs: newJobs(t, e.store, durable.EnqueueAndWork), host: hosted.New(hosted.Config{Name: "office"}), ids: map[string]int64{}, end: make(chan struct{})}
	o.queue = newQueue(t, o.jobs, "invoices", func(ctx context.Context, item string) error {
		switch item {
		case "discarded":
			return errors.New("no paper")
		case "retryable":
			return channelq.RetryAfter(errors.New("printer busy"), time.Hour)
		case "running":
			select {
			case <-ctx.Done():
			case <-o.end:
			}
			return context.Cause(ctx)
		}
		return nil
	}, durable.QueueConfig[string]{Concurrency: 2, Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond}})
	o.host.Add("jobs", o.jobs)
	must(t, o.host.Start(t.Context()))
	t.Cleanup(func() {
		close(o.end)
		must(t, o.host.Stop(context.Background()))
	})
	o.ids["scheduled"] = enqueue(t, o.queue, "scheduled", durable.In(time.Hour))
	for _, state := range []string{"completed", "discarded", "retryable", "running"} {
		o.ids[state] = enqueue(t, o.queue, state)
		inState(t, o.jobs, o.ids[state], rivertype.JobState(state))
	}
	return o
}

func actedOn[TTx any](t *testing.T, e env[TTx]) {
	o := openOffice(t, e)
	page := dashboard.New(o.host, dashboard.Config{Authorize: func(*http.Request, dashboard.Action) error { return nil }})
	get := func(path string) string {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
		}
		return w.Body.String()
	}
	do := func(verb string, id int64) int {
		form := url.Values{"verb": {verb}, "kind": {"queue"}, "name": {"invoices"}}
		if id != 0 {
			form.Set("service", "jobs")
			form.Set("id", fmt.Sprint(id))
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/actions", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w.Code
	}
	until(t, "the page shows the failure, the retry and the process", func() bool {
		q := get("/queue?name=invoices")
		return strings.Contains(q, "no paper") && strings.Contains(q, "printer busy") && strings.Contains(get("/services"), "this one")
	})
	for state, id := range o.ids {
		list := get("/jobs?name=invoices/" + state)
		if !strings.Contains(list, fmt.Sprintf(`<tr role="row" data-key="jobs-%d"`, id)) || strings.Count(list, `<tr role="row" data-key="jobs-`) != 1 {
			t.Errorf("%s is not the one job listed", state)
		}
	}
	for which, want := range map[string]string{"scheduled": "Change the time", "retryable": "printer busy", "discarded": "no paper", "running": ">running<", "completed": ">completed<"} {
		page := get(fmt.Sprintf("/job?name=%d/jobs/invoices", o.ids[which]))
		if !strings.Contains(page, want) || !strings.Contains(page, fmt.Sprintf("Job %d of invoices", o.ids[which])) {
			t.Errorf("the page of the %s job lacks %s", which, want)
		}
	}
	for _, step := range []struct {
		verb, which string
		then        rivertype.JobState
	}{
		{"cancel", "scheduled", rivertype.JobStateCancelled},
		{"cancel", "running", rivertype.JobStateCancelled},
		{"requeue", "retryable", rivertype.JobStateDiscarded}, // its last attempt fails too
		{"requeue", "discarded", rivertype.JobStateDiscarded},
	} {
		if code := do(step.verb, o.ids[step.which]); code != http.StatusOK {
			t.Errorf("%s %s: status %d", step.verb, step.which, code)
		}
		inState(t, o.jobs, o.ids[step.which], step.then)
	}
	if code := do("cancel", o.ids["completed"]); code != http.StatusConflict {
		t.Errorf("cancel of what is done: status %d", code)
	}
	for _, id := range o.ids {
		until(t, "the job may be deleted", func() bool { return do("discard", id) == http.StatusOK })
		if _, err := durable.Get(t.Context(), o.jobs, id); !errors.Is(err, rivertype.ErrNotFound) {
			t.Errorf("after discard: %v", err)
		}
	}
	for _, verb := range []string{"pause", "resume"} {
		until(t, verb, func() bool { return do(verb, 0) == http.StatusOK && o.queue.Paused() == (verb == "pause") })
		if shows := strings.Contains(get("/queue?name=invoices"), `value="resume"`); shows != (verb == "pause") {
			t.Errorf("after %s the page offers to resume: %v", verb, shows)
		}
	}
}
