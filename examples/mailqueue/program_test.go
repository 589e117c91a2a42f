package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

func TestProgramSendsWhatIsQueuedWhenItStops(t *testing.T) {
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0"}}.Start(t)
	address := p.WaitFor(`address=(\S+)`)[1]
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.PostForm("http://"+address, url.Values{"email": {"ada"}})
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor("welcome, ada")
	p.WaitFor("items.accepted=1 items.handled=1")
}
