package dashboard_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// Its time is not of a bubble: a store does not know of those.
var customTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (c *custom) Cancel(id int64) error { c.cancelled = id; return nil }
func (c *custom) Jobs(state string) []channelq.StoredJob {
	return []channelq.StoredJob{{
		ID: 8, State: state, Item: "x", Err: errors.New("<b>slow</b>"), Attempts: 1, MaxAttempts: 3, At: customTime, CanCancel: true,
	}, {
		ID: 9, State: state, At: customTime, RescueAt: customTime.Add(time.Hour),
	}}
}
func (c *custom) Instances() []lifecycle.Instance {
	return []lifecycle.Instance{
		{ID: "a", Host: "web-1", PID: 7, Role: "enqueues", Since: customTime, Seen: customTime, Own: true},
		{ID: "b", Host: "worker-1", PID: 8, Role: "works", Since: customTime, Seen: customTime, Leads: true,
			Queues: []string{"durable", "<else>"}, Hand: 23, Running: []lifecycle.InstanceJob{{Queue: "durable", ID: 8, Since: customTime}, {Queue: "<else>", ID: 9, Since: customTime}}},
	}
}
func (c *custom) Queues() []interface{ Name() string } {
	return []interface{ Name() string }{&c.second}
}

// manyOf is a queue that its service names, and another one watches too.
type manyOf struct{ paused int }

func (*manyOf) Name() string          { return "second" }
func (*manyOf) Stats() channelq.Stats { return channelq.Stats{Name: "second"} }
func (m *manyOf) Pause()              { m.paused++ }
func (m *manyOf) Resume()             {}

func TestJobsOfAStoreAreListedByStateAndCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		c := &custom{Service: hosted.Once(func(context.Context) error { return nil })}
		s.host.Add("jobs", c)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		wantText(t, get(t, d, "/queue?name=durable"), `href="jobs?name=durable/retryable"`)
		w := get(t, d, "/jobs?name=durable/retryable")
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "durable: retryable", "&lt;b&gt;slow&lt;/b&gt;", "of 3", `value="cancel"`, "job 8 of durable")
		if n := strings.Count(w.Body.String(), "its process is gone; freed"); n != 1 {
			t.Errorf("%d jobs are said to have lost their process, want the one", n)
		}
		for _, unwanted := range []string{`value="discard"`, `value="requeue"`, payload} {
			if strings.Contains(w.Body.String(), unwanted) {
				t.Errorf("the page has %s", unwanted)
			}
		}
		for _, none := range []string{"emails/failed", "nobody/retryable", "durable", ""} {
			wantStatus(t, get(t, d, "/jobs?name="+none), http.StatusNotFound)
		}
		wantStatus(t, do(d, form("", "verb", "cancel", "kind", "queue", "name", "durable", "service", "jobs", "id", "8", "page", "jobs", "of", "durable/retryable")), http.StatusSeeOther)
		if c.cancelled != 8 {
			t.Errorf("cancelled %d", c.cancelled)
		}
		wantStatus(t, do(d, form("", "verb", "cancel", "kind", "queue", "name", "emails", "service", "mailer", "id", "1")), http.StatusNotFound)
		if strings.Contains(get(t, dashboard.New(s.host, dashboard.Config{}), "/jobs?name=durable/retryable").Body.String(), "<button") {
			t.Error("a read-only page has a button")
		}
	})
}

func TestProcessesAndQueuesThatAServiceNamesAreShownOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		c := &custom{Service: hosted.Once(func(context.Context) error { return nil })}
		s.host.Add("jobs", c, hosted.Watch(&c.second))
		s.host.Go("web", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(&c.second))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		wantText(t, get(t, d, "/services"), "Processes", "web-1 7", "this one", "worker-1 8", "leads",
			`<a href="queue?name=durable">durable</a>, &lt;else&gt;`, `href="job?name=8%2fjobs%2fdurable"`, `9 <span class="muted">of &lt;else&gt;`, "and 21 more")
		wantText(t, get(t, d, "/queue?name=second"), "used by jobs, web")
		wantStatus(t, do(d, form("", "verb", "pause", "kind", "queue", "name", "second")), http.StatusSeeOther)
		if c.second.paused != 1 {
			t.Errorf("paused %d times", c.second.paused)
		}
	})
}
