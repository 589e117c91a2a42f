// Package program runs an example as its users do: as a process of its own, ended
// by a signal, judged by its output and exit code.
package program

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
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

// asProgram, in the environment of a test binary, makes it the example itself.
const asProgram = "STEAD_TEST_AS_PROGRAM"

// atOnce is how many parallel tests run at once on a small machine too.
const atOnce = 4

// Main runs the tests of an example and checks that they leave no goroutine.
// In a process that [Command] started it runs main instead, the main function of the example.
// So the test binary is the program too, and nothing is linked twice. TestMain calls it.
func Main(m *testing.M, main func()) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	// The parallel ones mostly wait. A -parallel that is given comes later and wins.
	if runtime.GOMAXPROCS(0) < atOnce {
		_ = flag.Set("test.parallel", strconv.Itoa(atOnce))
	}
	goleak.VerifyTestMain(m)
}

// Cmd returns the command, which is not started yet.
func (c Command) Cmd(t testing.TB) *exec.Cmd {
	t.Helper()
	itself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(itself, c.Args...)
	// The race detector would make each program that ends wait for a second.
	cmd.Env = append(os.Environ(), asProgram+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Env = append(cmd.Env, c.Env...)
	if cmd.Dir = c.Dir; cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	return cmd
}

// Start starts the program. It is killed at the end of the test if it still runs.
func (c Command) Start(t testing.TB) *Process {
	t.Helper()
	p := &Process{Patience: 3 * time.Minute, t: t, cmd: c.Cmd(t), ended: make(chan struct{}), grown: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
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
			t.Logf("the program %v said:\n%s", c.Args, p.Output())
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
