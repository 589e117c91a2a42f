package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// sinkOfTest remembers what it got.
type sinkOfTest struct {
	mu  sync.Mutex
	got []string
}

func (s *sinkOfTest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var events []event
	if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.got = append(s.got, string(e))
	}
}

func (s *sinkOfTest) sorted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.got))
}

// toTheEnd is the budget of a stop that takes all of it. The last part of it is for what is
// cut and for the file, which has to be enough on a machine with a busy disk.
const toTheEnd = "20s"

func begin(t *testing.T, sink, unsent, budget string) (p *program.Process, url string) {
	t.Helper()
	p = program.Command{Args: []string{"-addr", "127.0.0.1:0", "-sink", sink, "-unsent", unsent, "-shutdown-timeout", budget}}.Start(t)
	return p, p.WaitFor(`(http://\S+)/events`)[1]
}

func post(t *testing.T, url, events string) (code int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(url+"/events", "application/json", strings.NewReader(events))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func someEvents(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"id":%03d}`, i+100)
	}
	return all
}

func TestProgramSendsEveryEventBeforeItStops(t *testing.T) {
	t.Parallel()
	sink := &sinkOfTest{}
	server := httptest.NewServer(sink)
	defer server.Close()
	p, url := begin(t, server.URL, filepath.Join(t.TempDir(), "unsent"), "2m")
	events := someEvents(250)
	if code, body := post(t, url, strings.Join(events, "\n")); code != http.StatusAccepted || body != `{"accepted":250}` {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := post(t, url, `{"page": `); code != http.StatusBadRequest {
		t.Errorf("half an event: %d", code)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := sink.sorted(); !slices.Equal(got, events) {
		t.Errorf("%d events of %d arrived", len(got), len(events))
	}
	p.WaitFor(`analytics stopped, which took .*: terminated signal received`)
	p.WaitFor(`items of events: accepted 250 handled 250`)
}

func TestProgramKeepsInAFileWhatADeadSinkDoesNotTake(t *testing.T) {
	t.Parallel()
	unsent := filepath.Join(t.TempDir(), "unsent.jsonl")
	p, url := begin(t, "http://127.0.0.1:1", unsent, toTheEnd)
	events := someEvents(150)
	post(t, url, strings.Join(events, "\n"))
	p.WaitFor(`circuit breaker changed.* to=open`)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor(`items of events: accepted 150 leftover 150`)
	p.WaitFor(`150 events are in `)

	// The file is in the form that the program takes.
	sink := &sinkOfTest{}
	server := httptest.NewServer(sink)
	defer server.Close()
	text, err := os.ReadFile(unsent)
	if err != nil {
		t.Fatal(err)
	}
	p, url = begin(t, server.URL, unsent+".2", "2m")
	if code, body := post(t, url, string(text)); code != http.StatusAccepted {
		t.Errorf("%d %s", code, body)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := sink.sorted(); !slices.Equal(got, events) {
		t.Errorf("%d events of %d arrived", len(got), len(events))
	}
}

func TestProgramKeepsInAFileWhatAStuckSinkDoesNotTake(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or else nothing tells that the client has gone
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer stuck.Close()
	p, url := begin(t, stuck.URL, filepath.Join(t.TempDir(), "unsent"), toTheEnd)
	post(t, url, strings.Join(someEvents(100), "\n")) // a batch
	<-asked
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor(`items of events: accepted 100 leftover 100`)
}

func TestProgramShowsWithoutSettingsHowASinkFailsAndComesBack(t *testing.T) {
	t.Parallel()
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0", "-unsent", filepath.Join(t.TempDir(), "unsent")}}.Start(t)
	p.WaitFor(`(?s)sink: \d+ events.*to=open.*to=closed.*sink: \d+ events`)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor(`items of events: accepted \d+ handled \d+\n`)
}

func TestProgramRefusesFlagsThatAreWrong(t *testing.T) {
	here := t.TempDir()
	for args, says := range map[string]string{
		"-shutdown-timeout 0s":             "-shutdown-timeout: it is at least",
		"-addr localhost":                  "-addr: it is host:port",
		"-sink localhost:9999":             "-sink: .* is not an address",
		"-unsent /no/such/folder/unsent":   "-unsent: .* no such file",
		"-unsent " + here:                  "-unsent: .* is a directory",
		"-unsent " + here + "/unsent more": `unknown argument "more"`,
	} {
		p := program.Command{Args: strings.Fields(args)}.Start(t)
		if code := p.ExitCode(); code != 2 {
			t.Errorf("%s: exit code %d, want 2", args, code)
		}
		p.WaitFor(says)
	}
	if left, err := os.ReadDir(here); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
