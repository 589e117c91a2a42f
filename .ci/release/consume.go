package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A consumer is somebody's first program: made in an empty module, built, run, used
// once and stopped by Ctrl-C.
type consumer struct {
	name string
	// files returns the sources by their names; address is free.
	files func(t tree, address string) (map[string][]byte, error)
	ready string                     // what the program prints, as an expression
	use   func(address string) error // nil: that line is enough
}

var consumers = []consumer{
	{name: "readme", files: page("README.md", ""), ready: "host started", use: signUp},
	{name: "core", files: folder("core"), ready: "host started", use: get("/readyz", "ok")},
	{name: "durable", files: page("docs/migrating.md", `"github.com/steadgo/stead/durable/sqlite"`), ready: "msg=sent|INFO sent"},
	{name: "leader", files: folder("leader"), ready: "leadership gained", use: get("/readyz", "ok")},
	{name: "watched", files: folder("watched"), ready: "host started", use: func(address string) error {
		return errors.Join(get("/metrics", "stead_queue_workers{queue=\"emails\"}")(address), get("/admin/", "emails")(address))
	}},
	{name: "template", files: gonew, ready: "polled", use: get("/readyz", "ok")},
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
	address, err := freeAddress()
	if err != nil {
		return err
	}
	files, err := c.files(t, address)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	if files["go.mod"] == nil {
		if err := t.newModule(dir, files["main.go"]); err != nil {
			return err
		}
	}
	if _, err := t.command(dir, "go", "build", "-o", "program", "."); err != nil {
		return err
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

var imports = regexp.MustCompile(`"(` + regexp.QuoteMeta(root) + `[^"]*)"`)

// newModule does what a newcomer does: go mod init, then go get of what is imported.
func (t tree) newModule(dir string, source []byte) error {
	if _, err := t.command(dir, "go", "mod", "init", "example.com/program"); err != nil {
		return err
	}
	args := []string{"get"}
	for _, found := range imports.FindAllSubmatch(source, -1) {
		args = append(args, string(found[1]))
	}
	if _, err := t.command(dir, "go", args...); err != nil {
		return err
	}
	_, err := t.command(dir, "go", "mod", "tidy") // and what else it imports
	return err
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
		return nil
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		return fmt.Errorf("still there a minute after Ctrl-C\n%s", out.String())
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
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if re.MatchString(o.String()) {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended with %w before it said %q", err, re)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("it did not say %q within a minute", re)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// page takes the first program of a page that contains the text.
func page(file, contains string) func(tree, string) (map[string][]byte, error) {
	return func(t tree, address string) (map[string][]byte, error) {
		text, err := os.ReadFile(filepath.Join(t.dir, file))
		if err != nil {
			return nil, err
		}
		for _, block := range strings.Split(string(text), "```go\n")[1:] {
			code, _, _ := strings.Cut(block, "```\n")
			if strings.Contains(code, "func main()") && strings.Contains(code, contains) {
				return map[string][]byte{"main.go": []byte(strings.ReplaceAll(code, `":8080"`, fmt.Sprintf("%q", address)))}, nil
			}
		}
		return nil, fmt.Errorf("%s has no program with %s", file, contains)
	}
}

// folder takes a program of consumers/.
func folder(name string) func(tree, string) (map[string][]byte, error) {
	return func(_ tree, address string) (map[string][]byte, error) {
		code, err := os.ReadFile(filepath.Join(".ci", "release", "consumers", name, "main.go"))
		return map[string][]byte{"main.go": bytes.ReplaceAll(code, []byte(`":8080"`), fmt.Appendf(nil, "%q", address))}, err
	}
}

// gonew copies the template as gonew does: out of the module that was fetched, with
// another module path and nothing else changed.
func gonew(t tree, address string) (map[string][]byte, error) {
	const module = root + "/template/worker"
	out, err := t.command(t.temp, "go", "mod", "download", "-json", module+"@"+t.version)
	if err != nil {
		return nil, err
	}
	found := regexp.MustCompile(`"Dir": "([^"]+)"`).FindSubmatch(out)
	if found == nil {
		return nil, fmt.Errorf("no folder in %s", out)
	}
	files := map[string][]byte{}
	err = filepath.WalkDir(string(found[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		text = bytes.ReplaceAll(text, []byte(module), []byte("example.com/program"))
		files[d.Name()] = bytes.ReplaceAll(text, []byte(`":8081"`), fmt.Appendf(nil, "%q", address))
		return err
	})
	return files, err
}

func get(path, want string) func(string) error {
	return func(address string) error {
		resp, err := http.Get("http://" + address + path) //nolint:noctx // the program is beside us
		if err != nil {
			return err
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(resp.Body)
		if !strings.Contains(body.String(), want) {
			err = errors.Join(err, fmt.Errorf("%s has no %q: %s %s", path, want, resp.Status, body.String()))
		}
		return errors.Join(err, resp.Body.Close())
	}
}

func signUp(address string) error {
	resp, err := http.PostForm("http://"+address, url.Values{"email": {"ada@example.com"}}) //nolint:noctx // as get
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}
