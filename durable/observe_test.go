package durable_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

// office is a host with durable jobs of every kind of end.
type office[TTx any] struct {
	host  *hosted.Host
	jobs  *durable.Jobs[TTx]
	queue *durable.Queue[string, TTx]
	ids   map[string]int64
}

func openOffice[TTx any](t *testing.T, e env[TTx]) *office[TTx] {
	t.Helper()
	o := &office[TTx]{jobs: newJobs(t, e.store, durable.EnqueueAndWork), host: hosted.New(hosted.Config{Name: "office"}), ids: map[string]int64{}}
	o.queue = newQueue(t, o.jobs, "invoices", func(ctx context.Context, item string) error {
		switch item {
		case "discarded":
			return errors.New("no paper")
		case "retryable":
			return channelq.RetryAfter(errors.New("printer busy"), time.Hour)
		case "running":
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return nil
	}, durable.QueueConfig[string]{Concurrency: 2, Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond}})
	o.host.Add("jobs", o.jobs)
	must(t, o.host.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second) // one job waits to be cancelled
		defer cancel()
		must(t, o.host.Stop(ctx))
	})
	o.ids["scheduled"] = enqueue(t, o.queue, "scheduled", durable.In(time.Hour))
	for _, state := range []string{"completed", "discarded", "retryable", "running"} {
		o.ids[state] = enqueue(t, o.queue, state)
		inState(t, o.jobs, o.ids[state], rivertype.JobState(state))
	}
	return o
}

func scraped[TTx any](t *testing.T, e env[TTx]) {
	o := openOffice(t, e)
	until(t, "the numbers are those of now", func() bool {
		return o.queue.States()["running"] == 1 && o.queue.Stats().InProgress == 1
	})
	page := metricsOf(t, o.host, cmp.Or(os.Getenv("STEAD_METRICS_PAGE"), filepath.Join(t.TempDir(), "page")))
	for _, line := range []string{
		`stead_queue_accepted_total{queue="invoices"} 5`,
		`stead_queue_handled_total{outcome="succeeded",queue="invoices"} 1`,
		`stead_queue_handled_total{outcome="gave_up",queue="invoices"} 1`,
		`stead_queue_retries_total{queue="invoices"} 1`,
		`stead_queue_in_progress{queue="invoices"} 1`,
		`stead_queue_workers{queue="invoices"} 2`,
		`stead_queue_wait_seconds_count{queue="invoices"} 5`,
		`stead_queue_handle_duration_seconds_count{queue="invoices"} 4`,
		`stead_durable_jobs{queue="invoices",state="completed"} 1`,
		`stead_durable_jobs{queue="invoices",state="discarded"} 1`,
		`stead_durable_jobs{queue="invoices",state="retryable"} 1`,
		`stead_durable_jobs{queue="invoices",state="scheduled"} 1`,
		`stead_durable_jobs{queue="invoices",state="running"} 1`,
		`stead_durable_jobs{queue="invoices",state="cancelled"} 0`,
		`stead_durable_jobs{queue="invoices",state="available"} 0`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("the page lacks %s", line)
		}
	}
	for _, absent := range []string{"oldest_due_timestamp_seconds{", "stead_queue_depth", "stead_queue_parked", "queue_capacity", "high_water"} {
		if strings.Contains(page, absent) {
			t.Errorf("the page has %s, which means nothing here", absent)
		}
	}
}

func metricsOf(t *testing.T, host *hosted.Host, file string) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	must(t, prometheus.WriteToTextfile(file, registry))
	page, err := os.ReadFile(file)
	must(t, err)
	return string(page)
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
		if !strings.Contains(list, fmt.Sprintf(`data-key="jobs-%d"`, id)) || strings.Count(list, "data-key=\"jobs-") != 1 {
			t.Errorf("%s is not the one job listed", state)
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
		if _, err := o.jobs.Get(t.Context(), id); !errors.Is(err, rivertype.ErrNotFound) {
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
