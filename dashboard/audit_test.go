package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// audited is a queue whose store has an audit trail, and knows what ended by the hour.
type audited struct {
	store

	trail   []lifecycle.AuditEntry
	fails   func() error // of the trail; nil: it works
	history func(since time.Time) ([]channelq.HourCounts, error)
	paused  bool
	stuck   int64 // the failure that cannot be requeued
}

func (a *audited) Requeue(id int64) error {
	if id == a.stuck {
		return errors.New("it is locked")
	}
	return a.store.Requeue(id)
}

func (a *audited) Pause()  { a.paused = true }
func (a *audited) Resume() { a.paused = false }

func (a *audited) Audit(ctx context.Context, entries ...lifecycle.AuditEntry) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("it may take for ever")
	}
	if a.fails != nil {
		return a.fails()
	}
	a.trail = append(a.trail, entries...)
	return nil
}

func (a *audited) History(_ context.Context, since time.Time) ([]channelq.HourCounts, error) {
	if a.history == nil {
		return nil, nil
	}
	return a.history(since)
}

// office is the service of such queues.
type office struct {
	hosted.Service

	queue *audited
	read  func(before int64) ([]lifecycle.AuditEntry, int64, error)
}

func (o *office) Queues() []interface{ Name() string } { return []interface{ Name() string }{o.queue} }
func (o *office) AuditTrail(_ context.Context, before int64) ([]lifecycle.AuditEntry, int64, error) {
	return o.read(before)
}

func newOffice(s *shop, name string) *office {
	o := &office{Service: hosted.Once(func(context.Context) error { return nil }), queue: &audited{store: store{name: name, left: []int64{7, 8, 9}}}}
	s.host.Add("office of "+name, o)
	return o
}

func byAnn(cfg dashboard.Config) dashboard.Config {
	cfg.Authorize, cfg.Actor = allow, func(*http.Request) string { return "ann" }
	return cfg
}

func TestWhatIsDoneIsWrittenIntoTheAuditTrailOfTheStore(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		o := newOffice(s, "mails")
		s.start(t)
		d := dashboard.New(s.host, byAnn(dashboard.Config{}))
		act := func(verb string, more ...string) {
			t.Helper()
			wantStatus(t, do(d, form("", append([]string{"verb", verb, "kind", "queue", "name", "mails"}, more...)...)), http.StatusSeeOther)
		}
		act("pause")
		act("discard", "service", "office of mails", "id", "8")
		act("requeue_all", "error", "broken")
		wantStatus(t, do(d, form("", "verb", "discard", "kind", "queue", "name", "mails", "service", "office of mails", "id", "1")), http.StatusConflict)
		d = dashboard.New(s.host, dashboard.Config{Authorize: func(*http.Request, dashboard.Action) error { return errors.New("no") }})
		wantStatus(t, do(d, form("", "verb", "resume", "kind", "queue", "name", "mails")), http.StatusForbidden)
		want := []lifecycle.AuditEntry{
			{Actor: "ann", Action: "pause"},
			{Actor: "ann", Action: "discard", Job: 8, Count: 1},
			{Actor: "ann", Action: "requeue_all", Job: 7, Count: 1, Detail: "broken"},
			{Actor: "ann", Action: "requeue_all", Job: 9, Count: 1, Detail: "broken"},
		}
		if got := fmt.Sprint(o.queue.trail); got != fmt.Sprint(want) {
			t.Errorf("the trail has %s", got)
		}
	})
}

func TestWhatTheAuditTrailLacksIsDoneAndSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		o := newOffice(s, "mails")
		s.start(t)
		var log bytes.Buffer
		d := dashboard.New(s.host, byAnn(dashboard.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}))
		for _, fails := range []func() error{func() error { return errors.New("disk full") }, func() error { panic("disk full") }} {
			log.Reset()
			o.queue.fails, o.queue.paused = fails, false
			w := do(d, form("", "verb", "pause", "kind", "queue", "name", "mails"))
			wantStatus(t, w, http.StatusSeeOther)
			w = get(t, d, "/"+strings.TrimPrefix(w.Header().Get("Location"), "./"))
			wantText(t, w, "Paused queue mails.", "The audit trail in the store could not be written and lacks it.")
			r := form("", "verb", "pause", "kind", "queue", "name", "mails")
			r.Header.Set("Accept", "application/json")
			wantText(t, do(d, r), `"done":"Paused queue mails. The audit trail`)
			o.queue.left, o.queue.stuck = []int64{7, 8}, 8
			wantText(t, do(d, form("", "verb", "requeue_all", "kind", "queue", "name", "mails")), "1 of 2 done: it is locked. The audit trail")
			if !o.queue.paused || !strings.Contains(log.String(), "dashboard action not in the audit trail") || !strings.Contains(log.String(), "disk full") {
				t.Errorf("paused: %v, the log has %s", o.queue.paused, log.String())
			}
		}
	})
}

func TestTheAuditTrailIsShownByPages(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{})
		wantStatus(t, get(t, d, "/audit"), http.StatusNotFound)
		if strings.Contains(get(t, d, "/").Body.String(), `href="audit"`) {
			t.Error("there is a link to a trail that there is not")
		}
		o, other := newOffice(s, "a@b"), newOffice(s, "mails")
		other.read = func(int64) ([]lifecycle.AuditEntry, int64, error) { return nil, 0, nil }
		o.read = func(before int64) ([]lifecycle.AuditEntry, int64, error) {
			switch before {
			case 0:
				return []lifecycle.AuditEntry{{ID: 500, At: time.Now(), Actor: "<b>ann", Action: "requeue_all", Kind: "queue", Name: "a@b", Job: 12, Count: 1, Detail: "<script>"}}, 500, nil
			case 500:
				return []lifecycle.AuditEntry{{ID: 4, At: time.Now(), Action: "discard", Kind: "queue", Name: "a@b", Count: 1234}}, 0, nil
			}
			return nil, 0, errors.New("the store is <away>")
		}
		s.start(t)
		wantText(t, get(t, d, "/"), `href="audit"`)
		w := get(t, d, "/audit")
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "&lt;b&gt;ann", "requeue all", "&lt;script&gt;", ">12<", `href="audit?name=office%20of%20a%40b%40500"`, `href="audit?name=office%20of%20mails"`)
		w = get(t, d, "/audit?name=office+of+a%40b%40500")
		wantText(t, w, "1\u202f234 jobs", "of those before", `href="audit?name=office%20of%20a%40b"`)
		if strings.Contains(w.Body.String(), "Older ones") {
			t.Error("there are older ones")
		}
		w = get(t, d, "/audit?name=office+of+a%40b%407")
		wantText(t, w, "The trail cannot be read", "the store is &lt;away&gt;")
		if strings.Contains(w.Body.String(), "Nothing was done") {
			t.Error("it is said that nothing was done")
		}
		wantText(t, get(t, d, "/audit?name=office+of+mails"), "Nothing was done, or it is too long ago.")
		wantStatus(t, get(t, d, "/audit?name=nobody"), http.StatusNotFound)
	})
}

func TestWhatEndedByTheHourIsThatOfTheStore(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		o := newOffice(s, "mails")
		s.start(t)
		now, hour := time.Now(), time.Now().Truncate(time.Hour)
		d := dashboard.New(s.host, dashboard.Config{})
		o.queue.history = func(since time.Time) ([]channelq.HourCounts, error) {
			if since.After(now.Add(-29 * 24 * time.Hour)) {
				t.Errorf("asked for what ended since %v", since)
			}
			return []channelq.HourCounts{
				{Hour: hour.Add(-40 * 24 * time.Hour), Handled: 5000},
				{Hour: hour.Add(-20 * 24 * time.Hour), Handled: 1000, GaveUp: 3},
				{Hour: hour.Add(-24 * time.Hour), Handled: 200},
				{Hour: hour.Add(-23 * time.Hour), Handled: 30, Canceled: 1},
				{Hour: hour, Handled: 3},
				{Hour: hour.Add(time.Hour), Handled: 1}, // its clock is ahead
			}, nil
		}
		w := get(t, d, "/queue?name=mails")
		wantText(t, w, "<b>34 handled</b>", "canceled 1<", "Jobs ended per hour over the last 23 h: at most 30",
			"<b>1\u202f234 handled</b>", "gave up 3<", "Jobs ended per day over the last 20 d: at most 1\u202f000")
		o.queue.history = nil
		wantText(t, get(t, d, "/queue?name=mails"), "<b>0 handled</b>")
		for _, fails := range []func(time.Time) ([]channelq.HourCounts, error){
			func(time.Time) ([]channelq.HourCounts, error) { return nil, errors.New("disk <full>") },
			func(time.Time) ([]channelq.HourCounts, error) { panic("disk <full>") },
		} {
			o.queue.history = fails
			w = get(t, d, "/queue?name=mails")
			wantStatus(t, w, http.StatusOK)
			wantText(t, w, "cannot be read", "disk &lt;full&gt;", "By state")
			if strings.Contains(w.Body.String(), "handled</b>") {
				t.Error("what is not known is shown as a number")
			}
		}
		if strings.Contains(get(t, d, "/queue?name=emails").Body.String(), "What ended") {
			t.Error("a queue in memory has a history")
		}
	})
}
