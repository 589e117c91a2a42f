//go:build unix

package testserver

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/freeport"
)

// Redis is a Redis server of one test. It keeps nothing on disk: a restart loses
// everything, as a server without persistence does.
type Redis struct {
	Addr string // host:port
	t    testing.TB
	port int
	cmd  *exec.Cmd
}

// NewRedis starts a server, which is killed at the end of the test.
func NewRedis(t testing.TB) *Redis {
	t.Helper()
	r := &Redis{t: t, port: freeport.Get()}
	r.Addr = fmt.Sprintf("127.0.0.1:%d", r.port)
	t.Cleanup(func() {
		if r.cmd != nil {
			_ = r.cmd.Process.Signal(syscall.SIGCONT)
			r.Kill()
		}
	})
	r.Start()
	return r
}

// Start starts the killed server, empty, and waits until it answers.
func (r *Redis) Start() {
	r.t.Helper()
	cmd := exec.Command(find(r.t, "redis-server"), "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", r.t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.cmd = cmd
	waitFor(r.t, "Redis", func() error {
		answer, err := r.ask("PING")
		if err == nil && answer != "+PONG" {
			err = fmt.Errorf("answered %q", answer)
		}
		return err
	})
}

// Kill ends the server at once.
func (r *Redis) Kill() {
	r.t.Helper()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // it was killed, which Wait calls an error
	r.cmd = nil
}

// Signal sends sig to the server, such as SIGSTOP and SIGCONT.
func (r *Redis) Signal(sig syscall.Signal) {
	r.t.Helper()
	signal(r.t, r.cmd.Process.Pid, sig)
}

// Flush removes all keys.
func (r *Redis) Flush() {
	r.t.Helper()
	if answer, err := r.ask("FLUSHALL"); err != nil || answer != "+OK" {
		r.t.Fatalf("FLUSHALL: %q, %v", answer, err)
	}
}

// ask sends one inline command and returns the first line of the answer.
func (r *Redis) ask(command string) (string, error) {
	c, err := net.DialTimeout("tcp", r.Addr, time.Minute)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line), err
}
