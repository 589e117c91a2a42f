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

var sends = regexp.MustCompile(`(\w+) \| sends the newsletter, as fence (\d+)`)

func TestMain(m *testing.M) { program.Main(m, main) }

func TestProgramSurvivesItsLeader(t *testing.T) {
	p := program.Command{Args: []string{"-kill", "0", "-ttl", "4s"}}.Start(t)
	names := []string{"anna", "bert", "cleo"}
	pages := map[string]string{}
	for _, name := range names {
		pages[name] = p.WaitFor(name + ` \| stands for election, pid \d+, (http://\S+)/services`)[1]
	}
	// A machine that stands still for longer than the TTL moves the lead, so the
	// pages are asked until they agree with what was sent last.
	var first []string
	p.Eventually("one of three leads, and all say so", func() bool {
		sent := sends.FindAllStringSubmatch(p.Output(), -1)
		if len(sent) == 0 {
			return false
		}
		first = sent[len(sent)-1]
		for _, name := range names {
			if !shows(t, pages[name], name == first[1]) {
				return false
			}
		}
		return true
	})
	pid := atoi(t, p.WaitFor(first[1] + ` \| stands for election, pid (\d+)`)[1])
	if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.WaitFor(first[1] + ` \| is gone`)
	next := p.WaitFor(`(?s)` + first[1] + ` \| is gone.*?` + sends.String())
	if next[1] == first[1] {
		t.Errorf("%s was killed and is the first to send again", next[1])
	}
	if atoi(t, next[2]) <= atoi(t, first[2]) {
		t.Errorf("fence %s after %s", next[2], first[2])
	}
	p.WaitFor(`(?s)is gone.*` + first[1] + ` \| stands for election`) // it is started again
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(p.Output(), `msg="leadership released"`) {
		t.Error("the last leader did not give the lead back")
	}
}

// shows reports whether the page and the metrics of a process, which has to be
// ready in any case, say that it leads or that it follows.
func shows(t *testing.T, page string, leads bool) bool {
	t.Helper()
	if got := get(t, page+"/readyz"); !strings.Contains(got, "ok") {
		t.Logf("%s is not ready: %s", page, got) // for a moment, where the machine stands still
		return false
	}
	role, value := "follower", 0
	if leads {
		role, value = "leader", 1
	}
	return strings.Contains(get(t, page+"/services"), "<strong>"+role+"</strong>") &&
		strings.Contains(get(t, page+"/metrics"), fmt.Sprintf("stead_leader{group=%q} %d", "newsletter", value))
}

func TestProgramKillsTheLeaderByItself(t *testing.T) {
	p := program.Command{Args: []string{"-kill", "2s", "-ttl", "1s"}}.Start(t)
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
			a := program.Command{Args: []string{"-store", url}}.Start(t)
			a.WaitFor(`sends the newsletter`)
			b := program.Command{Args: []string{"-store", url}}.Start(t)
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
	p := program.Command{Args: []string{"-store", "mysql://db"}}.Start(t)
	if code := p.ExitCode(); code != 2 || !strings.Contains(p.Output(), "redis:// or postgres://") {
		t.Errorf("exit code %d: %s", code, p.Output())
	}
	p = program.Command{Args: []string{"-store", "postgres://nobody@127.0.0.1:1/none"}}.Start(t)
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

func atoi(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
