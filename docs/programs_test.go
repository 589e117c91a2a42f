//go:build extra

package docs_test

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// goBlocks are the Go blocks of a page. Each must be a whole file: what is not
// compiled is wrong one day.
func goBlocks(text string) (all []string) {
	for {
		_, after, found := strings.Cut(text, "```go\n")
		if !found {
			return all
		}
		code, rest, _ := strings.Cut(after, "```")
		all, text = append(all, code), rest
	}
}

// All are vetted by one command, linked by another, and tested by a third: a command for
// each took most of a minute.
func TestEveryProgramOfThePagesBuildsAndStops(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a dozen programs")
	}
	m := newModule(t)
	var linked, tested []string
	n := 0
	for page, text := range pages(t) {
		for i, code := range goBlocks(text) {
			n++
			name := fmt.Sprintf("%s-%d", strings.ReplaceAll(page, "/", "-"), i+1)
			if formatted, err := format.Source([]byte(code)); err != nil || string(formatted) != code {
				t.Errorf("%s: it is not formatted; %v", name, err)
			}
			code = strings.ReplaceAll(code, `":8080"`, `"127.0.0.1:0"`) // the port may be in use here
			file := "main.go"
			switch {
			case strings.Contains(code, `"testing"`):
				file = "main_test.go"
				tested = append(tested, "./"+name)
			case strings.Contains(code, "hosted.Main("):
				linked = append(linked, "./"+name)
			}
			m.add(t, name, file, code)
		}
	}
	if n < 8 || len(linked) < 2 || len(tested) < 1 {
		t.Fatalf("only %d blocks were found, %d of them programs and %d tests", n, len(linked), len(tested))
	}
	m.run(t, "vet", "./...")
	programs := t.TempDir()
	m.run(t, append([]string{"build", "-ldflags=-s -w", "-o", programs}, linked...)...)
	m.run(t, append([]string{"test", "-vet=off"}, tested...)...)
	for _, path := range linked {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) { stops(t, filepath.Join(programs, name), "host started") })
	}
}

// module is one that imports ours, in a workspace of its own. So what its packages import
// may not be internal, and one command compiles them all.
type module struct{ dir string }

func newModule(t *testing.T) module {
	t.Helper()
	m := module{t.TempDir()}
	work := "go 1.26.0\n\nuse (\n\t.\n"
	for _, ours := range append(slices.Clone(published), "examples") {
		dir, err := filepath.Abs(filepath.Join(root, ours))
		if err != nil {
			t.Fatal(err)
		}
		work += "\t" + dir + "\n"
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.work.sum"))
	if err != nil {
		t.Fatal(err)
	}
	m.add(t, "", "go.work", work+")\n")
	m.add(t, "", "go.work.sum", string(sums))
	m.add(t, "", "go.mod", "module example.com/pages\n\ngo 1.26.0\n")
	return m
}

// add writes a file of a package.
func (m module) add(t *testing.T, name, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(m.dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.dir, name, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a go command in it.
func (m module) run(t *testing.T, args ...string) {
	t.Helper()
	run(t, m.dir, "env", append([]string{"GOWORK=" + filepath.Join(m.dir, "go.work"), "go"}, args...)...)
}

// stops starts a program, waits until it says so, and wants it to end with 0 after
// SIGTERM.
func stops(t *testing.T, program, started string) {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = t.TempDir() // some write files
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(6*time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	for end := time.Now().Add(5 * time.Minute); !strings.Contains(out.String(), started); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("it never said %q", started)
			break
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// output is written by the program and read by the test.
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

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestTheQuickCommandsRun(t *testing.T) {
	for _, line := range []string{
		"make help", "make -n ci", "bash -n .ci/run", "bash -n .ci/step",
		"go run ./bench/cmd/beside -requests 20 -rounds 1",
		"go run ./bench/cmd/compare -list",
		"go run ./bench/cmd/durable -rounds 1 -enqueue 5 -drain 10 -backlog 20 -probes 2",
	} {
		words := strings.Fields(line)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil || len(out) == 0 && !strings.HasPrefix(line, "bash -n") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}
