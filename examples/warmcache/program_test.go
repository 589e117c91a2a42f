package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

func TestProgramServesAFullCacheAlsoWhenAFetchFails(t *testing.T) {
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0", "-every", "50ms"}}.Start(t)
	address := p.WaitFor(`address=(\S+)`)[1]
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func() {
		t.Helper()
		resp, err := client.Get("http://" + address)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(text), "USD:1.1") {
			t.Errorf("got %q, %v", text, err)
		}
	}
	get()
	p.WaitFor("the rates are not to be had")
	get()
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
