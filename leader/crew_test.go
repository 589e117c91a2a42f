//go:build unix

package leader_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/internal/testserver"
	"github.com/steadgo/stead/leader/postgres"
)

// backend is a real server of one test.
type backend struct {
	url   string
	addr  string
	wipe  func() // loses all leases
	kill  func()
	start func()
	fresh bool // a restart loses all leases
}

// onBackends runs a test on a Redis and on a PostgreSQL of its own.
func onBackends(t *testing.T, test func(t *testing.T, b backend)) {
	t.Helper()
	testserver.Wanted(t)
	t.Run("redis", func(t *testing.T) { test(t, onRedis(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, onPostgres(t)) })
}

func onRedis(t *testing.T) backend {
	t.Helper()
	r := testserver.NewRedis(t)
	return backend{"redis://" + r.Addr + "/0", r.Addr, r.Flush, r.Kill, r.Start, true}
}

func onPostgres(t *testing.T) backend {
	t.Helper()
	p := testserver.NewPostgres(t)
	store, err := postgres.Open(t.Context(), p.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	addr, _, _ := strings.Cut(strings.TrimPrefix(p.URL, "postgres://postgres@"), "/")
	wipe := func() {
		c, err := pgx.Connect(context.Background(), p.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(context.Background()) }()
		if _, err := c.Exec(context.Background(), `DELETE FROM stead_lease`); err != nil {
			t.Fatal(err)
		}
	}
	return backend{p.URL, addr, wipe, p.Kill, p.Start, false}
}

// crew is some processes that want into one section.
type crew struct {
	t       *testing.T
	path    string
	section *section
	ledger  *httptest.Server
	book    ledger
	ttl     time.Duration
	retry   time.Duration

	mu      sync.Mutex
	refused map[string]int
	written map[string]int
	members map[string]*member
}

type member struct {
	cmd   *exec.Cmd
	said  bytes.Buffer
	ended chan struct{}
}

func newCrew(t *testing.T, ttl, retry time.Duration) *crew {
	t.Helper()
	c := &crew{
		t: t, path: filepath.Join(t.TempDir(), "section"), ttl: ttl, retry: retry,
		refused: map[string]int{}, written: map[string]int{}, members: map[string]*member{},
	}
	var err error
	if c.section, err = openSection(c.path); err != nil {
		t.Fatal(err)
	}
	c.ledger = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(func() {
		for who, m := range c.members {
			_ = m.cmd.Process.Signal(syscall.SIGCONT)
			_ = m.cmd.Process.Kill()
			<-m.ended
			if t.Failed() {
				t.Logf("%s said:\n%s", who, m.said.String())
			}
		}
		c.ledger.Close()
	})
	return c
}

// serve is a resource that looks at fences.
func (c *crew) serve(w http.ResponseWriter, r *http.Request) {
	fence, err := strconv.ParseInt(r.FormValue("fence"), 10, 64)
	ok := err == nil && c.book.write(fence)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !ok {
		c.refused[r.FormValue("who")]++
		w.WriteHeader(http.StatusConflict)
		return
	}
	c.written[r.FormValue("who")]++
}

func (c *crew) writes(who string) (written, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written[who], c.refused[who]
}

// send starts a process and waits until it is up; under, if given, is the command that
// starts it.
func (c *crew) send(who, part, store string, under ...string) {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	args := slices.Concat(under, []string{self})
	m := &member{cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	m.cmd.Env = append(os.Environ(), "LEADER_TEST_PART="+part, "LEADER_TEST_WHO="+who, "LEADER_TEST_STORE="+store,
		"LEADER_TEST_SECTION="+c.path, "LEADER_TEST_LEDGER="+c.ledger.URL,
		"LEADER_TEST_TTL="+c.ttl.String(), "LEADER_TEST_RETRY="+c.retry.String())
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := m.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = m.cmd.Wait() // its outcome is in ProcessState
		close(m.ended)
	}()
	c.members[who] = m
	c.eventually(who+" is up", func() bool { return strings.Contains(c.text(), "up "+who+" ") })
}

func (c *crew) signal(who string, sig syscall.Signal) {
	c.t.Helper()
	if err := c.members[who].cmd.Process.Signal(sig); err != nil {
		c.t.Fatalf("%v to %s: %v", sig, who, err)
	}
}

// end waits for a process and returns what it said.
func (c *crew) end(who string, code int) string {
	c.t.Helper()
	m := c.members[who]
	select {
	case <-m.ended:
	case <-time.After(time.Minute):
		c.t.Fatalf("%s does not end", who)
	}
	if got := m.cmd.ProcessState.ExitCode(); got != code {
		c.t.Errorf("%s ended with %d", who, got)
	}
	return m.said.String()
}

// text is what was written so far, without a line of which only a part is there.
func (c *crew) text() string {
	c.t.Helper()
	text, err := os.ReadFile(c.path)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text[:bytes.LastIndexByte(text, '\n')+1])
}

func (c *crew) judge() verdict {
	c.t.Helper()
	return judge(c.t, strings.NewReader(c.text()))
}

// inside is who is in the section, "" if that is nobody or more than one.
func (c *crew) inside() string {
	c.t.Helper()
	in := map[string]bool{}
	for line := range strings.Lines(c.text()) {
		switch f := strings.Fields(line); f[0] {
		case "enter":
			in[f[1]] = true
		case "leave":
			delete(in, f[1])
		}
	}
	if len(in) == 1 {
		for who := range in {
			return who
		}
	}
	return ""
}

// eventually polls for what another process does. The bound only keeps a test
// that fails from hanging.
func (c *crew) eventually(what string, happened func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for !happened() {
		if time.Since(began) > 4*time.Minute {
			c.t.Fatalf("never happened: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(began)
}

// newLeader waits for somebody else to be inside, alone.
func (c *crew) newLeader(but string) (who string, took time.Duration) {
	c.t.Helper()
	took = c.eventually("a leader other than "+but, func() bool {
		who = c.inside()
		return who != "" && who != but
	})
	return who, took
}
