package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/steadgo/stead/internal/freeport"
)

// A consumer is the first program of a user: made in an empty module by the commands of the
// README, built, run, used once and stopped by Ctrl-C.
type consumer struct {
	name    string
	sources []source                   // the program, and what it becomes later in the same folder
	pins    map[string]string          // modules that the program has already, and which of ours has their versions
	ready   string                     // what the program prints, as an expression
	use     func(address string) error // not set: that line is enough
	said    string                     // what it has printed at the end
}

const welcome = "welcome, ada@example.com"

// patience bounds only what fails.
const patience = 3 * time.Minute

var consumers = []consumer{
	{name: "readme", sources: []source{page("README.md", "")}, ready: "host started", use: signUp("/", http.StatusOK), said: welcome},
	{name: "mailqueue", sources: []source{example("mailqueue")}, ready: "host started", use: signUp("/", http.StatusOK), said: welcome},
	{name: "small", sources: []source{example("small")}, pins: map[string]string{"modernc.org/sqlite": "durable", "github.com/prometheus/client_golang": "metrics"}, ready: "host started", use: signUp("/signup", http.StatusAccepted), said: welcome},
	{name: "core", sources: []source{folder("core")}, ready: "host started", use: get("/readyz", "ok")},
	{name: "durable", sources: []source{ // the queue in memory, and its move to a file
		page("docs/migrating.md", `"github.com/steadgo/stead/channelq"`),
		page("docs/migrating.md", `"github.com/steadgo/stead/durable/sqlite"`),
	}, ready: "msg=sent|INFO sent"},
	{name: "leader", sources: []source{folder("leader")}, pins: map[string]string{"github.com/alicebob/miniredis/v2": "leader"}, ready: "leadership gained", use: get("/readyz", "ok")},
	{name: "watched", sources: []source{folder("watched")}, pins: map[string]string{"github.com/prometheus/client_golang": "metrics"}, ready: "host started", use: func(address string) error {
		return errors.Join(get("/metrics", "stead_queue_workers{queue=\"emails\"}")(address), get("/admin/", "emails")(address))
	}},
	{name: "template", sources: []source{gonew}, ready: "polled", use: get("/readyz", "ok")},
}

func (t tree) consume() error {
	var failed []error
	for _, c := range consumers {
		began := time.Now()
		err := t.try(c)
		if err != nil {
			err = fmt.Errorf("consumer %s: %w", c.name, err)
			fmt.Println("FAILED", err)
			failed = append(failed, fmt.Errorf("consumer %s", c.name))
			continue
		}
		fmt.Printf("ok consumer %s, %.0f s\n", c.name, time.Since(began).Seconds())
	}
	return errors.Join(failed...)
}

func (t tree) try(c consumer) error {
	dir := filepath.Join(t.temp, "consumers", c.name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", freeport.Get())
	var files map[string][]byte
	var err error
	for i, from := range c.sources {
		if files, err = from(t, address); err != nil {
			return err
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				return err
			}
		}
		if err := t.asDocumented(dir, files["go.mod"] == nil && i == 0, c.pins); err != nil {
			return err
		}
		if _, err := t.command(dir, "go", "build", "-o", "program", "."); err != nil {
			return err
		}
	}
	if files["main_test.go"] != nil {
		if _, err := t.command(dir, "go", "test", "./..."); err != nil {
			return err
		}
	}
	if err := t.gains(dir, c.name); err != nil {
		return err
	}
	return c.run(dir, address)
}

var commands = regexp.MustCompile(`(?m)^    (go (?:mod|get) [^#\n]*)`)

// asDocumented runs the commands that the README gives a newcomer, and nothing else: the
// first makes a module, the others are repeated when the program imports something else.
func (t tree) asDocumented(dir string, empty bool, pins map[string]string) error {
	readme, err := os.ReadFile(filepath.Join(t.dir, "README.md"))
	if err != nil {
		return err
	}
	all := commands.FindAllSubmatch(readme, -1)
	if len(all) < 2 {
		return errors.New("README.md does not say how to begin")
	}
	if !empty {
		all = all[1:]
	}
	for i, found := range all {
		args := strings.Fields(string(found[1]))
		if _, err := t.command(dir, args[0], args[1:]...); err != nil {
			return err
		}
		if empty && i == 0 {
			if err := t.pin(dir, pins); err != nil {
				return err
			}
		}
	}
	return nil
}

// pin requires modules in the versions of one of ours, as a program that has them. A new program
// gets the latest, which would change the list any day.
func (t tree) pin(dir string, pins map[string]string) error {
	for module, of := range pins {
		out, err := t.command(filepath.Join(t.dir, of), "go", "list", "-m", module)
		if err != nil {
			return err
		}
		if _, err := t.command(dir, "go", "mod", "edit", "-require", strings.ReplaceAll(strings.TrimSpace(string(out)), " ", "@")); err != nil {
			return err
		}
	}
	return nil
}

// gains holds the modules that a program gets to the list beside this file. STEAD_WRITE=1
// writes the list.
func (t tree) gains(dir, name string) error {
	out, err := t.command(dir, "go", "list", "-m", "all")
	if err != nil {
		return err
	}
	var modules []string
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n")[1:] {
		if !strings.HasPrefix(line, root) {
			modules = append(modules, line)
		}
	}
	slices.Sort(modules)
	got, list := strings.Join(modules, "\n")+"\n", filepath.Join(".ci", "release", "consumers", name+".modules")
	if os.Getenv("STEAD_WRITE") != "" {
		return os.WriteFile(list, []byte(got), 0o600)
	}
	want, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	if got != string(want) {
		return fmt.Errorf("its modules are no longer those of %s (on purpose? make consumers)\n%s", list, difference(string(want), got))
	}
	return nil
}

// difference lists the lines that only one of two texts has.
func difference(want, got string) string {
	var all strings.Builder
	only := func(sign, of, than string) {
		have := strings.Split(than, "\n")
		for line := range strings.SplitSeq(of, "\n") {
			if !slices.Contains(have, line) {
				fmt.Fprintf(&all, "%s %s\n", sign, line)
			}
		}
	}
	only("-", want, got)
	only("+", got, want)
	return all.String()
}

// run starts the program, uses it, and ends it as Ctrl-C does.
func (c consumer) run(dir, address string) error {
	var out output
	cmd := exec.Command(filepath.Join(dir, "program")) //nolint:gosec // it was just built
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err := out.await(regexp.MustCompile(c.ready), ended)
	if err == nil && c.use != nil {
		err = c.use(address)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("%w\n%s", err, out.String())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("after Ctrl-C: %w\n%s", err, out.String())
		}
		if !strings.Contains(out.String(), c.said) {
			return fmt.Errorf("it ended without %q\n%s", c.said, out.String())
		}
		return nil
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		return fmt.Errorf("still there %v after Ctrl-C\n%s", patience, out.String())
	}
}

// output is what a program has printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) await(re *regexp.Regexp, ended <-chan error) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if re.MatchString(o.String()) {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended with %w before it said %q", err, re)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("it did not say %q within %v", re, patience)
}
