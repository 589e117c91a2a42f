package stead_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/freeport"
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

// build makes the program with the address as its argument, and holds its text to
// what a reader expects of it.
func build(t *testing.T, code string) (binary string) {
	t.Helper()
	if strings.Count(code, `":8080"`) != 1 {
		t.Fatal("the program does not listen on :8080")
	}
	_, body, _ := strings.Cut(code, "func main() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	if n := strings.Count(body, "\n") + 1; n > 20 {
		t.Errorf("main has %d lines", n)
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	code = strings.Replace(code, `":8080"`, "os.Args[1]", 1)
	code = strings.Replace(code, "\t\"net/http\"\n", "\t\"net/http\"\n\t\"os\"\n", 1)
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"go", "build", "-o", binary, source}, {"gofmt", "-l", source}} { // docs vets it, with the tag extra
		output, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil || args[0] == "gofmt" && len(output) > 0 {
			t.Fatalf("%s: %v\n%s", strings.Join(args[:2], " "), err, output)
		}
	}
	return binary
}

// signUp does what the curl in the README does.
func signUp(t *testing.T, address string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.PostForm("http://"+address, url.Values{"email": {"ada@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || string(answer) != "a mail is on its way\n" {
		t.Errorf("%s, %q, %v", resp.Status, answer, err)
	}
}

func TestTheProgramInTheReadmeSendsTheMailThatCtrlCInterrupts(t *testing.T) {
	binary := build(t, program(t))
	address := fmt.Sprintf("127.0.0.1:%d", freeport.Get())
	cmd := exec.Command(binary, address)
	var mails bytes.Buffer
	cmd.Stdout = &mails
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
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

	signUp(t, address)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&log, lines)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	if mails.String() != "welcome, ada@example.com\n" {
		t.Errorf("sent %q", mails.String())
	}
	for _, want := range []string{"host stopped", "interrupt signal received", "items.accepted=1 items.handled=1"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
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
