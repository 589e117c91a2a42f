package docs_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

func TestEveryProgramOfThePagesBuildsAndStops(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a dozen programs")
	}
	n := 0
	for page, text := range pages(t) {
		for i, code := range goBlocks(text) {
			n++
			t.Run(fmt.Sprintf("%s/%d", page, i+1), func(t *testing.T) { tryBlock(t, code) })
		}
	}
	if n < 8 {
		t.Errorf("only %d blocks were found", n)
	}
}

func tryBlock(t *testing.T, code string) {
	t.Helper()
	dir := t.TempDir()
	name := "main.go"
	if strings.Contains(code, `"testing"`) {
		name = "main_test.go"
	}
	file := filepath.Join(dir, name)
	code = strings.ReplaceAll(code, `":8080"`, `"127.0.0.1:0"`) // the port may be in use here
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, root, "go", "vet", file)
	if out := run(t, root, "gofmt", "-l", file); out != "" {
		t.Error("it is not formatted")
	}
	switch {
	case name == "main_test.go":
		run(t, root, "go", "test", file)
	case strings.Contains(code, "hosted.Main("):
		program := filepath.Join(dir, "program")
		run(t, root, "go", "build", "-o", program, file)
		stops(t, program, "host started")
	}
}

// stops starts a program, waits until it says so, and wants it to end with 0
// after SIGTERM.
func stops(t *testing.T, program, started string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = filepath.Dir(program) // some write files
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	for end := time.Now().Add(time.Minute); !strings.Contains(out.String(), started); time.Sleep(10 * time.Millisecond) {
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
