package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// serve is a site with these pages.
func serve(t *testing.T, pages map[string]string) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, page := range pages {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>"+page) })
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestProgramFindsTheBrokenLinksOfItsOwnSite(t *testing.T) {
	p := program.Command{Args: []string{"-once", "-rate", "0"}}.Start(t)
	if code := p.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	list := p.WaitFor(`11 links checked, 3 broken\n((?:  .*\n)*)`)[1]
	for _, want := range []string{
		"/products/3: 404 Not Found\n", "/manual.pdf: 404 Not Found\n",
		"http://127.0.0.1:1/: dial tcp 127.0.0.1:1: connect: connection refused\n", "      on http://",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	if text := p.Output(); !strings.Contains(text, "broken  http://") || !strings.Contains(text, "ok      http://") || strings.Contains(text, "%") {
		t.Error("without a terminal it prints a line for each link and no bar")
	}
}

func TestProgramExitsWithZeroWhenNoLinkIsBroken(t *testing.T) {
	url := serve(t, map[string]string{"/{$}": `<a href="/other#part">other</a>`, "/other": "nothing"})
	p := program.Command{Args: []string{"-once", url}}.Start(t)
	if code := p.ExitCode(); code != 0 || !strings.Contains(p.Output(), "2 links checked, 0 broken") {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramWalksAgainAndAgainUntilItIsStopped(t *testing.T) {
	p := program.Command{Args: []string{"-every", "50ms", "-rate", "0"}}.Start(t)
	p.WaitFor(`(?s)3 broken.*3 broken`)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor(`linkcheck stopped, which took .*: terminated signal received`)
	p.WaitFor(`items of links: accepted`)
}

func TestProgramCutsAWalkShortWhenItIsStopped(t *testing.T) {
	site := map[string]string{"/{$}": ""}
	for i := range 200 {
		site["/{$}"] += fmt.Sprintf(`<a href="/%d">`, i)
	}
	url := serve(t, site)
	for arg, want := range map[string]int{"-once": 2, "-every=1h": 0} {
		p := program.Command{Args: []string{arg, "-rate", "1", url}}.Start(t)
		p.WaitFor("ok ") // and 200 seconds to go
		if code := p.Stop(); code != want || strings.Contains(p.Output(), "links checked") {
			t.Errorf("%s: exit code %d, want %d", arg, code, want)
		}
	}
}

func TestProgramRefusesWhatIsNoAddress(t *testing.T) {
	p := program.Command{Args: []string{"example.com"}}.Start(t)
	if code := p.ExitCode(); code != 2 || !strings.Contains(p.Output(), `"example.com" is not an address`) {
		t.Errorf("exit code %d", code)
	}
}
