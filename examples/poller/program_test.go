package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

// running is a process and where it listens.
type running struct {
	*program.Process

	url string
}

func start(t *testing.T, where string, args ...string) running {
	t.Helper()
	p := program.Command{
		Args: append([]string{"-addr", "127.0.0.1:0", "-every", "50ms"}, args...),
		Env:  []string{"POLLER_STORE=" + where},
	}.Start(t)
	return running{p, p.WaitFor(`(http://\S+)/reminders`)[1]}
}

func (p running) post(t *testing.T, path, key, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	fatal(t, err)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return do(t, r)
}

func (p running) tasks(t *testing.T) map[string]task {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/tasks", nil)
	fatal(t, err)
	var list []task
	if code, body := do(t, r); code != http.StatusOK || json.Unmarshal([]byte(body), &list) != nil {
		t.Fatalf("tasks: %d %s", code, body)
	}
	byText := map[string]task{}
	for _, one := range list {
		byText[one.Text] = one
	}
	return byText
}

func do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	fatal(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	fatal(t, err)
	return resp.StatusCode, string(body)
}

func TestProgramAcknowledgesAWebhookDoesItOnceAndRemindsLater(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		p := start(t, where)
		for i := range 2 {
			if code, body := p.post(t, "/webhook", "order-7", `{"order": 7}`); code != http.StatusAccepted || !strings.Contains(body, fmt.Sprintf(`"known":%v`, i > 0)) {
				t.Errorf("time %d: %d %s", i, code, body)
			}
		}
		p.post(t, "/reminders", "", `{"text": "soon", "in": "200ms"}`)
		p.post(t, "/reminders", "", `{"text": "in 24 hours"}`)
		for name, c := range map[string]struct {
			path, key, body string
			code            int
		}{
			"no key":       {"/webhook", "", "x", 400},
			"no text":      {"/reminders", "", `{}`, 400},
			"no JSON":      {"/reminders", "", `remind me`, 400},
			"not a time":   {"/reminders", "", `{"text": "x", "in": "tomorrow"}`, 400},
			"in the past":  {"/reminders", "", `{"text": "x", "in": "-1h"}`, 400},
			"much too big": {"/webhook", "big", strings.Repeat("x", 2*maxBody), 413},
		} {
			if code, body := p.post(t, c.path, c.key, c.body); code != c.code {
				t.Errorf("%s: %d %s", name, code, body)
			}
		}
		p.WaitFor(`due: \{"order": 7\} \(webhook order-7\)`)
		p.WaitFor(`due: soon`)
		p.Eventually("both are noted", func() bool { all := p.tasks(t); return all["soon"].Done && all[`{"order": 7}`].Done })
		if code := p.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if said := p.Output(); strings.Count(said, "due: ") != 2 || !strings.Contains(said, "LEFT OVER") {
			t.Errorf("it said:\n%s", said)
		}

		again := start(t, where)
		if later := again.tasks(t)["in 24 hours"]; later.Done || later.Attempts != 0 || later.Due.IsZero() {
			t.Errorf("the reminder is %+v after a restart", later)
		}
		if code := again.Stop(); code != 0 || strings.Contains(again.Output(), "due: ") {
			t.Errorf("exit code %d, it said:\n%s", code, again.Output())
		}
	})
}

// receiver counts what it is told, by who tells it and by key.
type receiver struct {
	*httptest.Server

	mu    sync.Mutex
	times map[string]int
	by    map[string]int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{times: map[string]int{}, by: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.times[req.Header.Get("Idempotency-Key")]++
		r.by[req.URL.Path]++
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() (times, by map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.times), maps.Clone(r.by)
}

func TestProgramInTwoProcessesDoesEachTaskOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		const each = 100
		box := newReceiver(t)
		one := start(t, where, "-notify", box.URL+"/one")
		two := start(t, where, "-notify", box.URL+"/two")
		bothWork := func() bool { _, by := box.got(); return by["/one"] > 0 && by["/two"] > 0 }
		var both sync.WaitGroup
		var posted [2]int
		for n, p := range []running{one, two} {
			both.Go(func() {
				for i := 0; i < each || i < 50*each && !bothWork(); i++ {
					p.post(t, "/webhook", fmt.Sprint("of ", n, ": ", i), "event")
					p.post(t, "/webhook", fmt.Sprint("both ", i), "event")
					posted[n]++
				}
			})
		}
		both.Wait()
		all := posted[0] + posted[1] + max(posted[0], posted[1])
		one.Eventually("all is done", func() bool { times, _ := box.got(); return len(times) == all })
		for _, p := range []running{one, two} {
			if code := p.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		}
		times, by := box.got()
		for key, n := range times {
			if n != 1 {
				t.Errorf("%s was done %d times", key, n)
			}
		}
		if by["/one"] == 0 || by["/two"] == 0 {
			t.Errorf("done by %v: the test is to have both at work", by)
		}
	})
}

func TestProgramDoesWhatAKilledProcessHadClaimed(t *testing.T) {
	onEveryStore(t, func(t *testing.T, where string) {
		reached, hang := make(chan bool, batch), make(chan bool)
		stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- true; <-hang }))
		defer stuck.Close()
		defer close(hang)
		killed := start(t, where, "-notify", stuck.URL, "-lease", "2s")
		const tasks = batch / 2
		for i := range tasks {
			killed.post(t, "/webhook", fmt.Sprint(i), "event")
		}
		<-reached
		killed.Signal(syscall.SIGKILL)
		killed.ExitCode()

		box := newReceiver(t)
		next := start(t, where, "-notify", box.URL)
		next.Eventually("all is done", func() bool { times, _ := box.got(); return len(times) == tasks })
		if code := next.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if times, _ := box.got(); len(times) != tasks {
			t.Errorf("done: %v", times)
		}
	})
}
