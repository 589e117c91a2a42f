package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

const ready = `http://(\S+)/readyz`

func get(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// put makes a file that was there for a while.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, "in", name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
}

// packed is the text of the one copy of a file.
func packed(t *testing.T, dir, name string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(dir, "out", name+".*.gz"))
	if len(found) != 1 {
		t.Fatalf("copies of %s: %q", name, found)
	}
	file, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, "in", name))
	return err == nil
}

func TestProgramPacksWhatItFindsAndStopsClean(t *testing.T) {
	dir := t.TempDir()
	p := program.Command{Args: []string{"-dir", dir, "-probes", "127.0.0.1:0"}}.Start(t)
	address := p.WaitFor(ready)[1]
	for _, path := range []string{"/livez", "/readyz"} {
		if code := get(t, "http://"+address+path); code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
	}
	put(t, dir, "letter.txt", "Dear all")
	p.Eventually("the file is packed", func() bool { return !exists(dir, "letter.txt") })
	if text := packed(t, dir, "letter.txt"); text != "Dear all" {
		t.Errorf("got %q", text)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{`worker stopped, which took`, `terminated signal received`, `items of files: accepted \d+ handled \d+`} {
		if !regexp.MustCompile(want).MatchString(p.Output()) {
			t.Errorf("the report has no %q", want)
		}
	}
}

// The test plays systemd: the other end of NOTIFY_SOCKET.
func TestProgramTellsSystemdHowItIs(t *testing.T) {
	folder, err := os.MkdirTemp("", "worker") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	// Read at once: a message that finds no room in the socket for a while is dropped.
	messages := make(chan string, 1<<14)
	go func() {
		defer close(messages)
		for buf := make([]byte, 1<<12); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			messages <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		for range messages {
			continue
		}
	})
	next := func(want string) string {
		t.Helper()
		for late := time.After(2 * time.Minute); ; {
			select {
			case message := <-messages:
				if strings.Contains(message, want) {
					return message
				}
			case <-late:
				t.Fatalf("no %s", want)
			}
		}
	}

	settings := filepath.Join(folder, "settings.json")
	write := func(text string) {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(example)
	p := program.Command{
		Args: []string{"-dir", t.TempDir(), "-config", settings, "-probes", "127.0.0.1:0"},
		Env:  []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=200000"},
	}.Start(t)
	if message := next("READY=1"); !strings.Contains(message, "STATUS=running, 5 services") {
		t.Errorf("got %q", message)
	}
	next("WATCHDOG=1")

	write(`{"packers": 7}`)
	p.Signal(syscall.SIGHUP)
	if message := next("RELOADING=1"); !strings.Contains(message, "MONOTONIC_USEC=") {
		t.Errorf("got %q", message)
	}
	next("READY=1")
	p.WaitFor(`settings in use" packers=7`)

	write(`{"packers": "many"}`)
	p.Signal(syscall.SIGHUP)
	next("RELOADING=1")
	p.WaitFor(`level=ERROR.*settings.json: json: cannot unmarshal`)
	next("READY=1") // with the settings it had

	p.Signal(syscall.SIGTERM)
	next("STOPPING=1")
	if code := p.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramRefusesWrongSettings(t *testing.T) {
	settings := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(settings, []byte(`{"packers": 0}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := program.Command{Args: []string{"-dir", dir, "-config", settings, "-probes", "127.0.0.1:0"}}.Start(t)
	if code := p.ExitCode(); code != 1 || !strings.Contains(p.Output(), "packers is not from 1 to 1000: 0") {
		t.Errorf("exit code %d", code)
	}
	if !exists(dir, "hello.txt") {
		t.Error("it has worked")
	}
	for _, args := range []string{"-no-such-flag", "-shutdown-timeout -1s", "-probes 8081", "more"} {
		p = program.Command{Args: strings.Fields(args)}.Start(t)
		if code := p.ExitCode(); code != 2 {
			t.Errorf("%s: exit code %d", args, code)
		}
	}
}

func TestProgramNamesTheFlagWhenItsPortIsInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p := program.Command{Args: []string{"-dir", t.TempDir(), "-probes", l.Addr().String()}}.Start(t)
	if code := p.ExitCode(); code != 1 || !strings.Contains(p.Output(), "-probes takes another one") {
		t.Errorf("exit code %d", code)
	}
}

// What the unit and the container file say to the program is understood by it,
// and it ends before its supervisor loses patience.
func TestTheBudgetFitsTheSupervisor(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	unit, container := read("worker.service"), read("Containerfile")
	match := func(text, expression string) string {
		found := regexp.MustCompile(`(?m)` + expression).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no %s", expression)
		}
		return found[1]
	}
	patience, err := time.ParseDuration(match(unit, `^TimeoutStopSec=(\d+)$`) + "s")
	if err != nil {
		t.Fatal(err)
	}
	entry := strings.NewReplacer(`"`, "", ",", "").Replace(match(container, `^ENTRYPOINT \["/worker", (.*)\]$`))
	for name, c := range map[string]struct {
		args     string
		patience time.Duration
	}{
		"systemd": {match(unit, `^ExecStart=\S+ (.*)$`), patience},
		"docker":  {entry, 10 * time.Second},
	} {
		opts := parse(strings.Fields(c.args))
		if opts.shutdown <= 0 || opts.shutdown > c.patience*95/100 {
			t.Errorf("%s: a budget of %v in %v", name, opts.shutdown, c.patience)
		}
	}
	if got := fmt.Sprint(match(unit, `^Type=(.*)$`), match(unit, `^WatchdogSec=(\d+)$`)); got != "notify30" {
		t.Errorf("got %s", got)
	}
}
