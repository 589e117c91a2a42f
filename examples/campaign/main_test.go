package main

import (
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// start starts the program and returns what sends it a request.
func start(t *testing.T, rate, spool string) (p *program.Process, ask func(method, path string)) {
	p = program.Command{Args: []string{"-addr", "127.0.0.1:0", "-rate", rate, "-spool", spool}}.Start(t)
	address := p.WaitFor(`address=(\S+)`)[1]
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return p, func(method, path string) {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("%s %s: status %d", method, path, resp.StatusCode)
		}
	}
}

func TestProgramGoesOnAfterAStopAndFinishesEachCampaignOnce(t *testing.T) {
	spool := filepath.Join(t.TempDir(), "spool")
	p, ask := start(t, "10", spool)
	ask(http.MethodPost, "/campaigns/spring?n=2000") // it would take 200 s
	p.WaitFor("sent to reader 0 spring")
	ask(http.MethodPost, "/mails?to=ada")
	p.WaitFor("sent to ada")
	ask(http.MethodDelete, "/campaigns/spring")
	counts := p.WaitFor(`spring is finished: map\[handled:(\d+) skipped:(\d+)\]`)
	handled, _ := strconv.Atoi(counts[1])
	skipped, _ := strconv.Atoi(counts[2])
	if handled+skipped != 2000 || handled != strings.Count(p.Output(), " spring\n") {
		t.Errorf("handled %d, skipped %d", handled, skipped)
	}

	ask(http.MethodPost, "/campaigns/autumn?n=500")
	p.WaitFor("sent to .* autumn")
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	before := strings.Count(p.Output(), " autumn\n")
	if strings.Contains(p.Output(), "autumn is finished") {
		t.Errorf("finished after %d mails", before)
	}

	p, _ = start(t, "10000", spool)
	counts = p.WaitFor(`autumn is finished: map\[handled:(\d+)\]`)
	if after, _ := strconv.Atoi(counts[1]); before+after != 500 {
		t.Errorf("%d mails before the stop and %d after it", before, after)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(p.Output(), "is finished"); n != 1 {
		t.Errorf("finished %d times", n)
	}
}
