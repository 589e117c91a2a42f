package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// archive is a service with a queue whose jobs are found by a filter.
type archive struct {
	hosted.Service
	queue archiveQueue
}

func (a *archive) Queues() []interface{ Name() string } {
	return []interface{ Name() string }{&a.queue}
}

type archiveQueue struct {
	depotQueue
	asked  channelq.JobFilter
	counts int
	slow   time.Duration // a count takes that long
	acted  channelq.JobFilter
	goOn   chan struct{} // the second piece begins
	panics bool
	trail  []lifecycle.AuditEntry
	full   bool // the trail takes nothing
}

func (q *archiveQueue) Audit(_ context.Context, entries ...lifecycle.AuditEntry) error {
	if q.full {
		return errors.New("disk full")
	}
	q.trail = append(q.trail, entries...)
	return nil
}

func (q *archiveQueue) FindJobs(_ context.Context, f channelq.JobFilter, after string) (list []channelq.StoredJob, next string, err error) {
	switch q.asked = f; {
	case f.Key == "lost":
		return nil, "", errors.New("connection <refused>")
	case f.Key == "rare" && after == "":
		return nil, "5 2026-01-02 03:04:05", nil
	}
	return []channelq.StoredJob{{ID: 7, State: "discarded", Err: errors.New("no <paper>"), CanRequeue: true, CanDiscard: true}}, "", nil
}

func (q *archiveQueue) CountJobs(ctx context.Context, f channelq.JobFilter) (int, bool, error) {
	q.counts++
	if q.slow > 0 {
		select {
		case <-time.After(q.slow):
		case <-ctx.Done():
			return 0, false, ctx.Err()
		}
	}
	return 12345, f.Error == "", nil
}

func (q *archiveQueue) RequeueJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error) {
	if q.acted = f; q.panics {
		panic("at the disco")
	}
	progress(499, 1)
	select {
	case <-q.goOn:
		return 12000, 3, nil
	case <-ctx.Done():
		return 998, 2, ctx.Err()
	}
}

func (q *archiveQueue) CancelJobs(context.Context, channelq.JobFilter, func(done, skipped int)) (done, skipped int, err error) {
	return 0, 0, errors.New("not this")
}

func (q *archiveQueue) DiscardJobs(context.Context, channelq.JobFilter, func(done, skipped int)) (done, skipped int, err error) {
	return 0, 0, errors.New("connection <refused>")
}

func inArchive(t *testing.T, f func(t *testing.T, s *shop, q *archiveQueue, d *dashboard.Dashboard, logged *bytes.Buffer)) {
	inBubble(t, func(t *testing.T, s *shop) {
		a := &archive{Service: hosted.Once(func(context.Context) error { return nil }), queue: archiveQueue{
			depotQueue: depotQueue{stats: channelq.Stats{Name: "mails"}, counted: time.Now(), states: map[string]int{"discarded": 12345, "completed": 1}},
			goOn:       make(chan struct{}),
		}}
		s.host.Add("jobs", a)
		s.start(t)
		var logged bytes.Buffer
		f(t, s, &a.queue, dashboard.New(s.host, dashboard.Config{
			Authorize: func(r *http.Request, a dashboard.Action) error {
				if r.Header.Get("X-Guest") != "" {
					return errors.New("no guests: " + a.Filter)
				}
				return nil
			},
			Actor:  func(*http.Request) string { return "ann" },
			Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		}), &logged)
	})
}

func matching(verb, filter string) *http.Request {
	return form("", "verb", verb, "kind", "queue", "name", "mails", "service", "jobs", "filter", filter, "page", "jobs", "of", "mails/discarded")
}

func TestJobsAreFoundByAFilterThatIsInTheAddress(t *testing.T) {
	inArchive(t, func(t *testing.T, _ *shop, q *archiveQueue, d *dashboard.Dashboard, _ *bytes.Buffer) {
		w := get(t, d, "/jobs?queue=mails&state=discarded&key=a%2Fb%40c&error=%3Cb%3E&since=2026-01-02T03:04&until=&id=7")
		wantStatus(t, w, http.StatusSeeOther)
		to := w.Header().Get("Location")
		if !strings.HasPrefix(to, "jobs?name=mails") {
			t.Fatal(to)
		}
		w = get(t, d, "/"+to)
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "1 job that matches, the newest first", "no &lt;paper&gt;", `value="a/b@c"`, `value="&lt;b&gt;"`, `value="2026-01-02T03:04"`, `<option value="discarded" selected>`)
		if f := q.asked; f.Key != "a/b@c" || f.Error != "<b>" || f.ID != 7 || len(f.States) != 1 || !f.Since.Equal(time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local)) {
			t.Errorf("asked for %+v", f)
		}
		if w = get(t, d, "/jobs?queue=mails&state=discarded"); w.Header().Get("Location") != "jobs?name=mails%2Fdiscarded" {
			t.Errorf("%v", w.Header())
		}
		wantText(t, get(t, d, "/jobs?name=mails/state%3D"), "mails: jobs", "in any state", `data-label="State"`, "choose a state")
		wantText(t, get(t, d, "/jobs?name=nope/state%3D"), "There is no queue nope with jobs in a store.")
		wantText(t, get(t, d, "/jobs?name=mails/state%3Ddiscarded%26since%3Dsoon"), "since is no time such as", "soon")
		wantText(t, get(t, d, "/jobs?name=mails/state%3Ddiscarded%26id%3Dx"), "the job is no number")
		wantText(t, get(t, d, "/jobs?name=mails/state%3Ddiscarded%26key%3Dlost"), "Jobs cannot be listed", "connection &lt;refused&gt;")
		w = get(t, d, "/jobs?name=mails/state%3Ddiscarded%26key%3Drare")
		wantText(t, w, "None among those that were looked at", "Those before were not looked at yet", `rel="next"`)
	})
}

func TestAllThatMatchAreActedOnInTheBackground(t *testing.T) {
	inArchive(t, func(t *testing.T, _ *shop, q *archiveQueue, d *dashboard.Dashboard, logged *bytes.Buffer) {
		page := func() string { return get(t, d, "/jobs?name=mails/discarded").Body.String() }
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "Requeue all 12\u202f345 that match", "Yes, all 12\u202f345", "Discard all 12\u202f345")
		if strings.Contains(page(), "Cancel all") || q.counts != 1 {
			t.Errorf("it offers what no job takes, or has counted %d times", q.counts)
		}
		time.Sleep(10 * time.Second)
		if page(); q.counts != 2 {
			t.Errorf("counted %d times", q.counts)
		}
		guest := matching("requeue_matching", "state=discarded")
		guest.Header.Set("X-Guest", "1")
		wantStatus(t, do(d, guest), http.StatusForbidden)
		for _, filter := range []string{
			"state=", "state=discarded&id=x", "state=discarded&error=100%", "state=discarded&eror=x", "state=discarded&key=a&key=b", "state=discarded&since=1;until=2",
		} {
			wantStatus(t, do(d, matching("requeue_matching", filter)), http.StatusBadRequest)
		}
		wantStatus(t, do(d, matching("stop_matching", "")), http.StatusConflict)
		if len(q.acted.States) != 0 {
			t.Fatal("it began nevertheless")
		}
		wantStatus(t, do(d, matching("requeue_matching", "state=discarded&key=a")), http.StatusSeeOther)
		synctest.Wait()
		if q.acted.Key != "a" || len(q.acted.States) != 1 {
			t.Errorf("it acts on %+v", q.acted)
		}
		w := do(d, matching("discard_matching", "state=discarded"))
		wantStatus(t, w, http.StatusConflict)
		wantText(t, w, "ann began to requeue jobs of mails", "is at 500")
		wantText(t, get(t, d, "/jobs?name=mails/completed"), "Requeuing jobs", "499", "1 skipped", `value="stop_matching"`)
		close(q.goOn)
		synctest.Wait()
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "Requeued jobs", "12\u202f000", "3 skipped")
		want := lifecycle.AuditEntry{Actor: "ann", Action: "requeue_matching", Count: 12000, Detail: "state=discarded&key=a"}
		if len(q.trail) != 1 || q.trail[0] != want {
			t.Errorf("the audit trail has %+v", q.trail)
		}
		q.full = true
		wantStatus(t, do(d, matching("discard_matching", "state=discarded")), http.StatusSeeOther)
		synctest.Wait()
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "Discarded jobs", "It ended before the rest", "connection &lt;refused&gt;", "could not be written and lacks it")
		q.panics = true
		wantStatus(t, do(d, matching("requeue_matching", "state=discarded")), http.StatusSeeOther)
		synctest.Wait()
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "at the disco")
		for _, want := range []string{`no guests: state=discarded`, `"dashboard action ended" action=requeue_matching queue=mails filter="state=discarded&key=a" actor=ann done=12000 skipped=3`} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, logged)
			}
		}
		time.Sleep(11 * time.Minute)
		if strings.Contains(page(), "Requeued jobs") {
			t.Error("the last one is shown for ever")
		}
	})
}

func TestAnActionOnAllThatMatchEndsWithTheProgramAndWhenSomebodyStopsIt(t *testing.T) {
	inArchive(t, func(t *testing.T, s *shop, _ *archiveQueue, d *dashboard.Dashboard, logged *bytes.Buffer) {
		begin := func() {
			t.Helper()
			wantStatus(t, do(d, matching("requeue_matching", "state=discarded")), http.StatusSeeOther)
			synctest.Wait()
		}
		begin()
		wantStatus(t, do(d, matching("stop_matching", "")), http.StatusSeeOther)
		synctest.Wait()
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "998", "2 skipped", "ann stopped it")
		begin()
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "the dashboard was stopped")
		begin()
		if err := s.host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "the program stops")
		wantStatus(t, do(d, matching("requeue_matching", "state=discarded")), http.StatusConflict)
		if n := strings.Count(logged.String(), `"dashboard action ended early" action=requeue_matching queue=mails filter="state=discarded" actor=ann done=998 skipped=2`); n != 3 {
			t.Errorf("%d of 3 ends are in the log:\n%s", n, logged)
		}
	})
}

func TestAPageDoesNotWaitForACount(t *testing.T) {
	inArchive(t, func(t *testing.T, _ *shop, q *archiveQueue, d *dashboard.Dashboard, _ *bytes.Buffer) {
		q.slow = 2 * time.Second
		began := time.Now()
		if page := get(t, d, "/jobs?name=mails/discarded").Body.String(); strings.Contains(page, "that match\">") || time.Since(began) > 100*time.Millisecond {
			t.Errorf("after %v it says %s", time.Since(began), page)
		}
		time.Sleep(2 * time.Second)
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "Requeue all 12\u202f345 that match")
		time.Sleep(10 * time.Second)
		get(t, d, "/jobs?name=mails/discarded")
		if began = time.Now(); d.Stop(t.Context()) != nil || time.Since(began) > 0 {
			t.Errorf("a count holds the stop up for %v", time.Since(began))
		}
	})
}
