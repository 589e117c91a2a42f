package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

var client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// mailAPI is a provider that answers nobody until it is opened.
type mailAPI struct {
	*httptest.Server

	open chan struct{}
	mu   sync.Mutex
	sent []string
}

func newMailAPI(t *testing.T) *mailAPI {
	a := &mailAPI{open: make(chan struct{})}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, _ := io.ReadAll(r.Body)
		select {
		case <-a.open:
		case <-r.Context().Done():
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sent = append(a.sent, string(to))
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *mailAPI) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(slices.Values(a.sent))
}

// get returns the status, with the password if there is one.
func get(t *testing.T, url, password string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// inHand is found in the metrics while a mail is to be sent, or to be noted.
var inHand = regexp.MustCompile(`stead_queue_(depth|in_progress|parked)\{queue="emails"\} [1-9]`)

func scraped(t *testing.T, admin string) string {
	t.Helper()
	resp, err := client.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(page), "stead_queue_in_progress{") {
		t.Fatalf("%v: %s", err, page)
	}
	return string(page)
}

func TestProgramTurnsAwayWritesDownAndReadsBack(t *testing.T) {
	api, dir := newMailAPI(t), t.TempDir()
	run := program.Command{
		Args: []string{"-addr", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-shutdown-timeout", "10s"},
		Env:  []string{"MAIL_API=" + api.URL, "ADMIN_PASSWORD=secret"}, Dir: dir,
	}
	p := run.Start(t)
	site := p.WaitFor(`service=site address=(\S+)`)[1]
	admin := p.WaitFor(`service=admin address=(\S+)`)[1]
	p.WaitFor("host started")
	p.WaitFor("service restarting.*rates") // the peer is not there

	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/": 401} {
		if code := get(t, "http://"+admin+path, "wrong"); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if code := get(t, "http://"+admin+"/", "secret"); code != http.StatusOK {
		t.Errorf("the dashboard: %d", code)
	}
	var promised []string
	for code := http.StatusAccepted; code == http.StatusAccepted; {
		address := fmt.Sprintf("visitor-%d@example.com", len(promised))
		resp, err := client.PostForm("http://"+site+"/signup", url.Values{"email": {address}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if code = resp.StatusCode; code == http.StatusAccepted {
			promised = append(promised, address)
		} else if code != http.StatusTooManyRequests {
			t.Fatalf("status %d after %d sign-ups", code, len(promised))
		}
	}
	if code := p.Stop(); code != 0 { // the spool took the leftover mails
		t.Errorf("exit code %d", code)
	}
	unsent, err := os.ReadFile(filepath.Join(dir, "unsent.jsonl"))
	slices.Sort(promised)
	if left := slices.Sorted(slices.Values(strings.Fields(strings.ReplaceAll(string(unsent), `"`, "")))); err != nil || !slices.Equal(left, promised) {
		t.Errorf("%d of %d are written down; %v", len(left), len(promised), err)
	}

	close(api.open)
	p = run.Start(t)
	// A mail is sent again if it could not be noted: on a busy disk the others may hold the file for too long.
	p.Eventually("all mails are sent", func() bool { return slices.Equal(slices.Compact(api.all()), promised) })
	admin = p.WaitFor(`service=admin address=(\S+)`)[1]
	p.Eventually("all mails are noted", func() bool { return !inHand.MatchString(scraped(t, admin)) })
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "unsent.jsonl")); err == nil {
		t.Error("the next start would send them again")
	}
}

func TestTheApplicationIsUnder120Lines(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n >= 120 {
		t.Errorf("%d lines", n)
	}
}
