package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

func TestProgramRunsOnATerminalToo(t *testing.T) {
	p := program.Command{Env: []string{"ADDR=127.0.0.1:0"}}.Start(t)
	address := p.WaitFor(`address=(\S+)`)[1]
	p.WaitFor("host started")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.PostForm("http://"+address, url.Values{"order": {"7"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	p.WaitFor("packed 7")
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramSaysWhereItIsInstalled(t *testing.T) {
	for command, want := range map[string]string{
		"install": "on Windows", "remove": "on Windows", "explode": `unknown command "explode"`,
	} {
		p := program.Command{Args: []string{command}}.Start(t)
		if code := p.ExitCode(); code != 2 || !strings.Contains(p.Output(), want) {
			t.Errorf("%s: exit code %d", command, code)
		}
	}
}
