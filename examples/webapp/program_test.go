package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/steadgo/stead/dashboard"
)

const form = "application/x-www-form-urlencoded"

func TestProgramSendsAMailToWhoeverSignsUp(t *testing.T) {
	p := start(t, nil)
	if code, body := p.post(form, url.Values{"email": {"form@example.com"}}.Encode()); code != http.StatusAccepted || !strings.Contains(body, "form@example.com") {
		t.Errorf("form: %d %s", code, body)
	}
	if code, body := p.post("application/json", `{"email": "json@example.com"}`); code != http.StatusAccepted || !strings.Contains(body, "json@example.com") {
		t.Errorf("JSON: %d %s", code, body)
	}
	var mails []caught
	p.Eventually("both mails are caught", func() bool {
		_, body := p.get("/mails.json")
		if err := json.Unmarshal([]byte(body), &mails); err != nil {
			t.Fatal(err)
		}
		return len(mails) == 2
	})
	to := map[string]bool{}
	for _, m := range mails {
		to[m.To] = true
		if m.Subject != "Welcome to the shop" || m.From != "shop@example.com" || !strings.Contains(m.Text, "Hello "+m.To) {
			t.Errorf("got %+v", m)
		}
	}
	if !to["form@example.com"] || !to["json@example.com"] {
		t.Errorf("mails to %v", to)
	}
	for path, want := range map[string]string{
		"/": "Tent for two", "/mails": "json@example.com", "/admin/": "running",
		"/livez": "ok", "/readyz": "ok", "/products": `"origin_calls":1}`, "/static/style.css": "color-scheme",
	} {
		if code, body := p.get(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, want %q in\n%s", path, code, want, body)
		}
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if w := p.written(); !w.Report.Clean || len(w.Leftover) != 0 || w.Report.Services[len(w.Report.Services)-1].Name != "admin" {
		t.Errorf("report %+v", w)
	}
	if !strings.Contains(p.Output(), "LEFT OVER") {
		t.Error("no report was printed")
	}
}

func TestProgramAccountsForEveryMailWhileSomeFail(t *testing.T) {
	p := start(t, nil, "-fail-rate", "0.3")
	const n = 200
	for i := range n {
		if code, body := p.post(form, fmt.Sprintf("email=v%d%%40example.com", i)); code != http.StatusAccepted {
			t.Fatal(code, body)
		}
	}
	q := func(m map[string]float64, name string) float64 { return m["stead_queue_"+name] }
	var m map[string]float64
	p.Eventually("the queue is at rest", func() bool {
		m = metric(p)
		return q(m, `depth{queue="emails"}`)+q(m, `in_progress{queue="emails"}`)+q(m, `parked{queue="emails"}`) == 0
	})
	var ended float64
	for series, v := range m {
		if strings.HasPrefix(series, "stead_queue_handled_total{") || strings.HasPrefix(series, "stead_queue_dropped_total{") {
			ended += v
		}
	}
	if accepted := q(m, `accepted_total{queue="emails"}`); accepted != n || ended != n {
		t.Errorf("accepted %v, ended %v, want %d", accepted, ended, n)
	}
	if q(m, `retries_total{queue="emails"}`) == 0 {
		t.Error("nothing was tried again")
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if w, n := p.written(), m[`stead_queue_handled_total{outcome="gave_up",queue="emails"}`]; float64(len(w.GaveUp)) != n {
		t.Errorf("%v mails were given up, the report names %v", n, w.GaveUp)
	}
}

func TestProgramFeedsItselfInADemo(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "-demo")
	p.Eventually("a mail arrives", func() bool { _, body := p.get("/mails.json"); return strings.Contains(body, "visitor-1@example.com") })
	var state dashboard.State
	p.Eventually("something has failed for good, in the queue and on a schedule, and something was tried again", func() bool {
		state = p.state()
		q := emails(t, state)
		return len(q.Failures) > 0 && q.Retried > 0 && schedule(state, "stock").Runs["failed"] > 0
	})
	if !schedule(state, "newsletter").Paused {
		t.Error("no schedule is paused")
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
