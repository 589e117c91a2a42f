package stead_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program is the first Go block of the README.
func program(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "```go\n")
	code, _, closed := strings.Cut(after, "```\n")
	if !found || !closed {
		t.Fatal("there is no Go block in the README")
	}
	return code
}

func TestTheProgramInTheReadmeRunsAndStopsCleanly(t *testing.T) {
	code := program(t)
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("go", "vet", source).CombinedOutput(); err != nil {
		t.Fatalf("go vet: %v\n%s", err, output)
	}
	if output, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	output, err := exec.Command("gofmt", "-l", source).CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Errorf("gofmt: %v %s", err, output)
	}

	cmd := exec.Command(binary)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line := make([]byte, len("welcome, visitor 1\n"))
	if _, err := io.ReadFull(stdout, line); err != nil || string(line) != "welcome, visitor 1\n" {
		t.Errorf("printed %q, %v", line, err)
	}
	// A signal that comes while the host starts is no clean end, so wait for it.
	var log strings.Builder
	lines := bufio.NewReader(logs)
	for !strings.Contains(log.String(), "host started") {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if err != nil {
			t.Fatalf("%v after\n%s", err, log.String())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&log, lines)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	if !strings.Contains(log.String(), "host stopped") {
		t.Errorf("no report in\n%s", log.String())
	}
}

func TestEveryPackageIsOnTheMap(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command("go", "list", "-f", "{{if .GoFiles}}{{.ImportPath}}{{end}}", "./...").Output() // docs has tests only
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(list)) {
		name := strings.TrimPrefix(strings.TrimPrefix(path, "github.com/steadgo/stead"), "/")
		if name == "" || strings.Contains(name, "internal/") {
			continue
		}
		if !strings.Contains(string(readme), "`"+name+"`") && !strings.Contains(string(readme), "]("+name+")") {
			t.Errorf("%s is not in the README", name)
		}
		if !strings.Contains(string(doc), "["+path+"]") {
			t.Errorf("%s is not in doc.go", name)
		}
	}
	examples, err := filepath.Glob("examples/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range examples {
		if name := filepath.Dir(file); !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("%s is not in the README", name)
		}
	}
}
