package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/examples/internal/program"
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
	if w := p.written(); !w.Report.Clean || len(w.LeftOver) != 0 || w.Report.Services[len(w.Report.Services)-1].Name != "catcher" {
		t.Errorf("report %+v", w)
	}
	if !strings.Contains(p.Output(), "LEFT OVER") {
		t.Error("no report was printed")
	}
}

// Every visitor who was told that a mail is on its way gets one, or stands in
// the report: whether there is time to send everything or not.
func TestProgramKeepsEveryPromiseWhenItIsStoppedUnderLoad(t *testing.T) {
	t.Run("time enough", func(t *testing.T) {
		kept := stopUnderLoad(t, 0, "25s")
		if kept.code != 0 || len(kept.left) > 0 {
			t.Errorf("exit code %d, %d left over", kept.code, len(kept.left))
		}
		for address, n := range kept.received {
			if n != 1 {
				t.Errorf("%s got %d mails", address, n)
			}
		}
	})
	t.Run("too little time", func(t *testing.T) {
		kept := stopUnderLoad(t, 20*time.Millisecond, "2s")
		if kept.code != 1 || len(kept.left) == 0 {
			t.Errorf("exit code %d, %d left over; the test is to leave some", kept.code, len(kept.left))
		}
	})
}

type outcome struct {
	code     int
	received map[string]int
	left     []string
}

// stopUnderLoad sends SIGTERM when half of 10,000 sign-ups from 50 clients are
// answered, and compares by address.
func stopUnderLoad(t *testing.T, delay time.Duration, budget string) outcome {
	const visitors, clients = 10_000, 50
	box := openPostbox(t, delay)
	p := start(t, nil, "-smtp", box.addr, "-shutdown-timeout", budget)

	var answered, next atomic.Int64
	var mu sync.Mutex
	accepted, unknown := map[string]bool{}, map[string]bool{}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= visitors; i = next.Add(1) {
				address := fmt.Sprintf("visitor-%d@example.com", i)
				resp, err := p.client.Post(p.url+"/signup", "application/json", strings.NewReader(fmt.Sprintf(`{"email":%q}`, address)))
				mu.Lock()
				switch {
				case err != nil:
					unknown[address] = true // refused, or cut off without an answer
				case resp.StatusCode == http.StatusAccepted:
					accepted[address] = true
				case resp.StatusCode != http.StatusServiceUnavailable:
					t.Errorf("%s: %s", address, resp.Status)
				}
				mu.Unlock()
				if err == nil {
					_ = resp.Body.Close()
				}
				if answered.Add(1) == visitors/2 {
					p.Signal(syscall.SIGTERM)
				}
			}
		})
	}
	wg.Wait()
	o := outcome{code: p.ExitCode(), received: box.received(), left: p.written().LeftOver}

	kept := map[string]bool{}
	for address := range o.received {
		kept[address] = true
	}
	for _, address := range o.left {
		kept[address] = true
	}
	for address := range accepted {
		if !kept[address] {
			t.Errorf("%s was promised a mail, got none and is not in the report", address)
		}
	}
	for address := range kept {
		if !accepted[address] && !unknown[address] {
			t.Errorf("%s was turned away and got a mail or stands in the report", address)
		}
	}
	t.Logf("accepted %d, received %d, left over %d, no answer %d", len(accepted), len(o.received), len(o.left), len(unknown))
	if len(accepted) < visitors/4 || len(unknown) == 0 {
		t.Errorf("accepted %d, no answer %d: the stop did not come in the middle", len(accepted), len(unknown))
	}
	return o
}

func TestProgramEndsInTimeAndNamesAWorkerThatHangs(t *testing.T) {
	p := start(t, []string{"WEBAPP_TEST_HANG_AT=hang@example.com"}, "-shutdown-timeout", "1s")
	p.post(form, "email=hang%40example.com")
	p.Eventually("the worker hangs", func() bool { return metric(p)[`stead_queue_in_progress{queue="emails"}`] == 1 })
	began := time.Now()
	if code := p.Stop(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	// Not a tolerance: without a bound the program would hang for ever.
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if !strings.Contains(p.Output(), "emails") {
		t.Error("the service is not named on standard error")
	}
	w := p.written()
	if len(w.LeftOver) != 1 || w.LeftOver[0] != "hang@example.com" {
		t.Errorf("left over: %v", w.LeftOver)
	}
	for _, s := range w.Report.Services {
		if (s.Error != "") != (s.Name == "emails") {
			t.Errorf("%s: error %q", s.Name, s.Error)
		}
	}
}

func TestProgramEndsAtOnceOnASecondSignal(t *testing.T) {
	p := start(t, []string{"WEBAPP_TEST_HANG_AT=hang@example.com"}, "-shutdown-timeout", "1h")
	p.post(form, "email=hang%40example.com")
	p.Eventually("the worker hangs", func() bool { return metric(p)[`stead_queue_in_progress{queue="emails"}`] == 1 })
	p.Signal(syscall.SIGTERM)
	p.Eventually("the stop has begun", func() bool { return strings.Contains(p.Output(), "host stopping") })
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramIsUnreadyButServesDuringTheDrainDelay(t *testing.T) {
	p := start(t, nil, "-drain-delay", "20s")
	p.Signal(syscall.SIGINT)
	p.Eventually("it is not ready", func() bool { code, _ := p.get("/readyz"); return code == http.StatusServiceUnavailable })
	if code, _ := p.post(form, "email=late%40example.com"); code != http.StatusAccepted {
		t.Errorf("sign-up during the delay: %d", code)
	}
	p.Signal(syscall.SIGINT) // cuts the delay short
	if code := p.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
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

func TestProgramRefusesWhatItCannotDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"port in use":     {[]string{"-addr", taken.Addr().String()}, 1, "address already in use"},
		"unknown flag":    {[]string{"-colour"}, 2, "flag provided but not defined"},
		"extra argument":  {[]string{"serve"}, 2, `unknown argument "serve"`},
		"bad address":     {[]string{"-addr", "8080"}, 2, "-addr"},
		"bad mail server": {[]string{"-smtp", "mail.example.com"}, 2, "-smtp"},
		"bad fail rate":   {[]string{"-fail-rate", "2"}, 2, "-fail-rate"},
		"drain too long":  {[]string{"-drain-delay", "1m"}, 2, "-drain-delay"},
		"asked for help":  {[]string{"-h"}, 0, "-smtp"},
		"no time to stop": {[]string{"-shutdown-timeout", "0"}, 2, "-shutdown-timeout is not more than zero"},
		"no such store":   {[]string{"-store", "mysql://root:secret@db"}, 2, "-store: it is memory"},
		"store nowhere":   {[]string{"-store", "sqlite:/nowhere/at/all"}, 1, "/nowhere/at/all"},
		"no such role":    {[]string{"-role", "boss"}, 2, "-role"},
		"memory, shared":  {[]string{"-role", "worker"}, 2, "needs a -store"},
		"memory, tables":  {[]string{"migrate"}, 2, "no tables"},
		"worker, demo":    {[]string{"-role", "worker", "-store", "sqlite:x.db", "-demo"}, 2, "-demo"},
	} {
		t.Run(name, func(t *testing.T) {
			p := begin(t, nil, c.args...)
			if code := p.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(p.Output(), c.says) {
				t.Errorf("%q is not in %q", c.says, p.Output())
			}
			if strings.Contains(p.Output(), "secret") {
				t.Errorf("a password is in %q", p.Output())
			}
		})
	}
}

func TestProgramSaysAtOnceThatItsReportCannotBeWritten(t *testing.T) {
	t.Setenv("WEBAPP_REPORT", "/nowhere/at/all")
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0"}}.Start(t, program.Build(t))
	if code := p.ExitCode(); code != 2 || !strings.Contains(p.Output(), "-report: open /nowhere/at/all") {
		t.Errorf("%d: %s", code, p.Output())
	}
}

func TestProgramFeedsItselfInADemo(t *testing.T) {
	p := start(t, nil, "-demo")
	p.Eventually("a mail arrives", func() bool { _, body := p.get("/mails.json"); return strings.Contains(body, "visitor-1@example.com") })
	var state dashboard.State
	p.Eventually("something has failed for good, in the queue and on a schedule, and something was tried again", func() bool {
		state = p.state()
		q := state.Queues[0]
		return len(q.Failures) > 0 && q.Retried > 0 && schedule(state, "stock").Runs["failed"] > 0
	})
	if !schedule(state, "newsletter").Paused {
		t.Error("no schedule is paused")
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// state is what the dashboard tells programs that have no token.
func (p *process) state() (s dashboard.State) {
	p.t.Helper()
	if _, body := p.get("/admin/api/v1/state"); json.Unmarshal([]byte(body), &s) != nil {
		p.t.Fatalf("not a state: %s", body)
	}
	return s
}

func schedule(s dashboard.State, name string) dashboard.Schedule {
	for _, job := range s.Schedules {
		if job.Name == name {
			return job
		}
	}
	return dashboard.Schedule{}
}

// metric is the page of metrics by series.
func metric(p *process) map[string]float64 {
	p.t.Helper()
	_, page := p.get("/metrics")
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(page)); lines.Scan(); {
		series, value, ok := strings.Cut(lines.Text(), "} ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			all[series+"}"] = v
		}
	}
	return all
}
