package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// depot is a service of durable jobs with one queue, of which many processes know.
type depot struct {
	hosted.Service
	away  time.Time
	queue depotQueue
}

func newDepot() *depot {
	return &depot{
		Service: hosted.Once(func(context.Context) error { return nil }),
		queue:   depotQueue{stats: channelq.Stats{Name: "mails"}, counted: time.Now()},
	}
}

func (d *depot) Outage() (time.Time, error) {
	if d.away.IsZero() {
		return d.away, nil
	}
	return d.away, errors.New("connection <refused>")
}

func (d *depot) Queues() []interface{ Name() string } {
	return []interface{ Name() string }{&d.queue}
}

type depotQueue struct {
	stats    channelq.Stats
	states   map[string]int
	guessed  []string
	counted  time.Time
	pages    int
	lost     bool // its jobs cannot be listed
	failures []channelq.Failure
}

func (*depotQueue) Name() string                   { return "mails" }
func (q *depotQueue) Stats() channelq.Stats        { return q.stats }
func (q *depotQueue) Failures() []channelq.Failure { return q.failures }
func (q *depotQueue) Counted() (time.Time, []string) {
	return q.counted, q.guessed
}

func (q *depotQueue) States() map[string]int {
	if q.states == nil {
		return map[string]int{"completed": 0}
	}
	return q.states
}

func (*depotQueue) Jobs(string) []channelq.StoredJob { return nil }

// JobsPage has a job on each of its pages.
func (q *depotQueue) JobsPage(state, after string) (list []channelq.StoredJob, next string, err error) {
	if q.lost {
		return nil, "", errors.New("connection <refused>")
	}
	at := 0
	_, _ = fmt.Sscan(after, &at)
	if at+1 < q.pages {
		next = fmt.Sprint(at + 1)
	}
	return []channelq.StoredJob{{ID: int64(1000 - at), State: state}}, next, nil
}

func inDepot(t *testing.T, f func(t *testing.T, s *shop, o *depot, d *dashboard.Dashboard)) {
	inBubble(t, func(t *testing.T, s *shop) {
		o := newDepot()
		s.host.Add("jobs", o)
		s.start(t)
		f(t, s, o, dashboard.New(s.host, dashboard.Config{SlowAfter: 20 * time.Second}))
	})
}

func TestAStoreOfJobsThatIsAwayIsAProblem(t *testing.T) {
	inDepot(t, func(t *testing.T, _ *shop, o *depot, d *dashboard.Dashboard) {
		if got := d.State(); got.Verdict != dashboard.OK {
			t.Errorf("a store that answers is a problem: %+v", got.Problems)
		}
		o.away = time.Now()
		time.Sleep(10 * time.Second)
		got := d.State()
		p := problem(t, got, "jobs")
		wantProblem(t, p, dashboard.Warning, "cannot use the store of its jobs since 10 s", "connection <refused>")
		if got.Headline == "All is well" || !p.Since.Equal(o.away) {
			t.Errorf("%q, since %v", got.Headline, p.Since)
		}
		wantText(t, get(t, d, "/"), "cannot use the store of its jobs", "connection &lt;refused&gt;", "10 s ago")
		wantText(t, get(t, d, "/services"), "<strong>store unreachable</strong>", "connection &lt;refused&gt;")
		time.Sleep(10 * time.Second)
		wantProblem(t, problem(t, d.State(), "jobs"), dashboard.Failed, "since 20 s", "connection <refused>")
		if all := about(d.State(), "mails"); len(all) != 0 { // that its count is as old is said with it
			t.Errorf("said twice: %q", all)
		}
		o.away = time.Time{}
		o.queue.counted = time.Now()
		if got := d.State(); got.Headline != "All is well" {
			t.Errorf("the store is back: %q", got.Headline)
		}
	})
}

func TestANumberThatIsOldSaysHowOldAndOneThatIsNotKnownIsNoZero(t *testing.T) {
	inDepot(t, func(t *testing.T, _ *shop, o *depot, d *dashboard.Dashboard) {
		o.queue.states = map[string]int{"completed": 3_500_000, "available": 2}
		o.queue.guessed = []string{"completed"}
		for _, page := range []string{"/", "/queues", "/queue?name=mails"} {
			if w := get(t, d, page); strings.Contains(w.Body.String(), "counted") {
				t.Errorf("%s: a fresh count says how old it is", page)
			}
		}
		wantText(t, get(t, d, "/queue?name=mails"), "about</span>", "3\u202f500\u202f000", "of all processes. The rest is of this process.")
		time.Sleep(19 * time.Second)
		for _, page := range []string{"/", "/queues", "/queue?name=mails"} {
			wantText(t, get(t, d, page), "counted 19 s ago")
		}
		time.Sleep(time.Second)
		wantProblem(t, problem(t, d.State(), "mails"), dashboard.Warning, "is shown as it was 20 s ago", "")
		o.queue.counted = time.Time{} // as in a process that has just begun
		wantProblem(t, problem(t, d.State(), "mails"), dashboard.Warning, "is not known in number", "")
		w := get(t, d, "/queue?name=mails")
		wantText(t, w, "not counted yet", "<dt>Waiting</dt><dd>–</dd>")
		if strings.Contains(w.Body.String(), "3\u202f500\u202f000") {
			t.Error("the page has the number of a state that is not known")
		}
	})
}

// What one process does not do, another may: only one that works says that nobody
// comes back from a handler.
func TestAProcessThatOnlyEnqueuesDoesNotSayThatAQueueIsStuck(t *testing.T) {
	inDepot(t, func(t *testing.T, _ *shop, o *depot, d *dashboard.Dashboard) {
		o.queue.stats.Depth, o.queue.stats.OldestDue = 5000, time.Now()
		for range 30 { // the worker elsewhere handles four a second, and is behind
			time.Sleep(10 * time.Second)
			o.queue.counted = time.Now()
			d.State()
		}
		all := about(d.State(), "mails")
		if len(all) != 1 || all[0] != "warning: is behind: its oldest job in the store has waited for 5 min; this process does not work it and does not know how far others are" {
			t.Errorf("%q", all)
		}
		for _, page := range []string{"/", "/queues"} {
			body := get(t, d, page).Body.String()
			for _, claim := range []string{"stuck", "no workers", "nobody", "nothing was ever taken"} {
				if strings.Contains(body, claim) {
					t.Errorf("%s claims: %s", page, claim)
				}
			}
		}
		o.queue.stats.Workers, o.queue.stats.InProgress = 2, 2
		if all := about(d.State(), "mails"); len(all) != 1 || !strings.HasSuffix(all[0], ", and all 2 workers of this process are busy") {
			t.Errorf("a process that works: %q", all)
		}
	})
}

func TestMoreFailuresThanAreListedAreCountedAndCanBePagedThrough(t *testing.T) {
	inDepot(t, func(t *testing.T, _ *shop, o *depot, d *dashboard.Dashboard) {
		o.queue.states = map[string]int{"discarded": 5000, "cancelled": 0}
		o.queue.failures = []channelq.Failure{{ID: 1, Err: errors.New("no paper"), Attempts: 3}}
		o.queue.pages = 3
		wantProblem(t, problem(t, d.State(), "mails"), dashboard.Failed, "gave up on 5\u202f000 items", "no paper")
		wantText(t, get(t, d, "/failures"), "The newest 1 of 5\u202f000.", `href="jobs?name=mails/discarded"`)
		wantText(t, get(t, d, "/jobs?name=mails/discarded"), "The newest ", `data-key="jobs-1000"`, `href="jobs?name=mails%2fdiscarded%401"`)
		w := get(t, d, "/jobs?name=mails%2fdiscarded%401")
		wantText(t, w, `data-key="jobs-999"`, `href="jobs?name=mails%2fdiscarded%402"`, "mails: discarded</h1>", `href="jobs?name=mails%2fdiscarded">The newest`)
		w = get(t, d, "/jobs?name=mails%2fdiscarded%402")
		wantText(t, w, `data-key="jobs-998"`)
		if wantStatus(t, w, http.StatusOK); strings.Contains(w.Body.String(), "Older ones") {
			t.Error("there is a page after the last")
		}
	})
}

func TestJobsOfAStoreThatDoesNotAnswerAreNotSaidToBeNone(t *testing.T) {
	inDepot(t, func(t *testing.T, _ *shop, o *depot, d *dashboard.Dashboard) {
		o.queue.lost = true
		w := get(t, d, "/jobs?name=mails/discarded")
		wantText(t, w, "Jobs cannot be listed", "connection &lt;refused&gt;")
		if body := w.Body.String(); strings.Contains(body, "None.") || strings.Contains(body, "0 jobs") {
			t.Error("it says that there are none")
		}
	})
}
