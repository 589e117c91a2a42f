//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m) }

func TestProgramSurvivesItsLeader(t *testing.T) {
	p := program.Command{Args: []string{"-kill", "0", "-ttl", "2s"}}.Start(t, program.Build(t))
	sends := regexp.MustCompile(`(\w+) \| sends the newsletter, as fence (\d+)`)
	first := p.WaitFor(sends.String())
	for _, name := range []string{"anna", "bert", "cleo"} {
		page := p.WaitFor(name + ` \| stands for election, pid (\d+), (http://\S+)/services`)[2]
		want := "follower"
		if name == first[1] {
			want = "leader"
		}
		if got := get(t, page+"/services"); !strings.Contains(got, "<strong>"+want+"</strong>") {
			t.Errorf("%s is no %s on its page", name, want)
		}
		if got := get(t, page+"/readyz"); !strings.Contains(got, "ok") {
			t.Errorf("%s is not ready: %s", name, got)
		}
		if got, want := get(t, page+"/metrics"), fmt.Sprintf("stead_leader{group=%q} %d", "newsletter", btoi(name == first[1])); !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", name, want)
		}
	}
	pid, err := strconv.Atoi(p.WaitFor(first[1] + ` \| stands for election, pid (\d+)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.WaitFor(first[1] + ` \| is gone`)
	var next []string
	p.Eventually("another sends it", func() bool {
		for _, found := range sends.FindAllStringSubmatch(p.Output(), -1) {
			if found[1] != first[1] {
				next = found
				return true
			}
		}
		return false
	})
	if atoi(t, next[2]) <= atoi(t, first[2]) {
		t.Errorf("fence %s after %s", next[2], first[2])
	}
	p.WaitFor(`(?s)is gone.*` + first[1] + ` \| stands for election`) // it is started again
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(p.Output(), `msg="leadership given up"`) {
		t.Error("the last leader did not give the lead back")
	}
}

func TestProgramKillsTheLeaderByItself(t *testing.T) {
	p := program.Command{Args: []string{"-kill", "1s", "-ttl", "500ms"}}.Start(t, program.Build(t))
	who := p.WaitFor(`---- kill -9 (\w+) ----`)[1]
	p.WaitFor(`(?s)kill -9 ` + who + `.*sends the newsletter`)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramWithAStoreIsOneCandidate(t *testing.T) {
	for name, url := range map[string]string{
		"redis": "redis://" + os.Getenv("STEAD_TEST_REDIS"), "postgres": os.Getenv("STEAD_TEST_POSTGRES"),
	} {
		t.Run(name, func(t *testing.T) {
			if url == "" || url == "redis://" {
				t.Skip("needs a server: set STEAD_TEST_" + strings.ToUpper(name))
			}
			path := program.Build(t)
			a := program.Command{Args: []string{"-store", url}}.Start(t, path)
			a.WaitFor(`sends the newsletter`)
			b := program.Command{Args: []string{"-store", url}}.Start(t, path)
			b.WaitFor(`stands for election`)
			if code := a.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			b.WaitFor(`sends the newsletter`)
			if code := b.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestProgramSaysWhatIsWrongWithItsStore(t *testing.T) {
	path := program.Build(t)
	p := program.Command{Args: []string{"-store", "mysql://db"}}.Start(t, path)
	if code := p.ExitCode(); code != 2 || !strings.Contains(p.Output(), "redis:// or postgres://") {
		t.Errorf("exit code %d: %s", code, p.Output())
	}
	p = program.Command{Args: []string{"-store", "postgres://nobody@127.0.0.1:1/none"}}.Start(t, path)
	if code := p.ExitCode(); code == 0 || !strings.Contains(p.Output(), "refused") {
		t.Errorf("exit code %d: %s", code, p.Output())
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func atoi(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
