// Package program runs an example as its users do: built, started as a process
// of its own, ended by a signal, judged by its output and exit code.
package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Command says how to start the program of the package under test. The zero
// value starts it without arguments.
type Command struct {
	Args []string
	Env  []string // added to the environment of the test, as "KEY=value"
	Dir  string   // working directory; if empty, a temporary one
}

// Process is a running program. Its methods fail the test themselves.
type Process struct {
	// Patience is how long WaitFor, Eventually and ExitCode wait; three minutes unless
	// it is changed. It only bounds a test that fails.
	Patience time.Duration

	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	text  bytes.Buffer // stdout and stderr
	grown chan struct{}
}

// folder is where the program is, for as long as the tests of its package run.
var folder string

// Main runs the tests of an example, checks that they leave no goroutine, and
// removes the program that [Build] made. TestMain calls it.
func Main(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "stead-example-"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}))
}

var build = sync.OnceValues(func() (string, error) {
	file := filepath.Join(folder, "program")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

// Build compiles the package in the working directory, which in a test is the
// package under test, and returns the path of the program. It does so once; the
// package's TestMain has to be [Main].
func Build(t testing.TB) string {
	t.Helper()
	if folder == "" {
		t.Fatal("TestMain does not call program.Main")
	}
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Start starts the program at path, which Build returned. It is killed at the
// end of the test if it still runs.
func (c Command) Start(t testing.TB, path string) *Process {
	t.Helper()
	p := &Process{Patience: 3 * time.Minute, t: t, cmd: exec.Command(path, c.Args...), ended: make(chan struct{}), grown: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.Env = append(os.Environ(), c.Env...)
	if p.cmd.Dir = c.Dir; p.cmd.Dir == "" {
		p.cmd.Dir = t.TempDir()
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // ExitCode reads its outcome
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Signal(syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			t.Logf("%s %v said:\n%s", filepath.Base(path), c.Args, p.Output())
		}
	})
	return p
}

// Write takes the program's output. It is here for os/exec.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.grown)
	p.grown = make(chan struct{})
	return p.text.Write(b)
}

// Output returns what the program has printed so far, both streams.
func (p *Process) Output() string {
	text, _ := p.output()
	return text
}

func (p *Process) output() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String(), p.grown
}

// WaitFor waits until the output matches the expression and returns the match
// and its groups.
func (p *Process) WaitFor(expression string) []string {
	p.t.Helper()
	re := regexp.MustCompile(expression)
	timeout := time.After(p.Patience)
	for {
		text, grown := p.output()
		if found := re.FindStringSubmatch(text); found != nil {
			return found
		}
		select {
		case <-grown:
		case <-p.ended:
			if text, _ := p.output(); re.MatchString(text) {
				continue
			}
			p.t.Fatalf("the program ended with %v before it printed %q", p.cmd.ProcessState, expression)
		case <-timeout:
			p.t.Fatalf("the program did not print %q", expression)
		}
	}
}

// Eventually asks until the answer is yes. It is for what a program does
// without saying so.
func (p *Process) Eventually(what string, yes func() bool) {
	p.t.Helper()
	for end := time.Now().Add(p.Patience); !yes(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("it never happened: %s", what)
		}
	}
}

// Signal sends sig if the program still runs.
func (p *Process) Signal(sig syscall.Signal) {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %v: %v", sig, err)
	}
}

// Pid returns the process ID.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// ExitCode waits for the end of the program and returns its exit code, or -1 if
// a signal ended it.
func (p *Process) ExitCode() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(p.Patience):
		p.Signal(syscall.SIGQUIT) // the runtime prints all stacks
		<-p.ended
		p.t.Fatal("the program did not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stop sends SIGTERM, as Docker, Kubernetes and systemd do, and returns the exit
// code.
func (p *Process) Stop() int {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	return p.ExitCode()
}
