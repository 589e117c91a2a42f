//go:build unix

// Package testserver starts real database servers for the tests of this
// repository's modules: a PostgreSQL and a Redis of a test's own, which it may
// kill, stop and wipe. A test that only wants some server asks for one by the
// environment variables STEAD_TEST_POSTGRES and STEAD_TEST_REDIS instead.
//
// Starting one costs a second, so it is done only where STEAD_TEST_FAULTS is set.
package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Wanted skips the test unless STEAD_TEST_FAULTS is set. Where it is set, a
// missing server is a failure: a fault test must not turn into a skipped one
// unseen.
func Wanted(t testing.TB) {
	t.Helper()
	if os.Getenv("STEAD_TEST_FAULTS") == "" {
		t.Skip("needs real servers: set STEAD_TEST_FAULTS=1")
	}
}

// waitFor asks ready until it says yes; servers tell nobody when they are up.
func waitFor(t testing.TB, what string, ready func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
	}
	t.Fatalf("%s did not come up: %v", what, err)
}

// find returns the path of a program from the PATH or from one of the folders
// where distributions hide it.
func find(t testing.TB, name string, folders ...string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range folders {
		if found, _ := filepath.Glob(filepath.Join(pattern, name)); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	t.Fatalf("%s is not installed", name)
	return ""
}

func run(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// signal sends sig to the process and says so in the log of the test.
func signal(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("signal %v to %d: %v", sig, pid, err)
	}
	t.Logf("sent %v to %d", sig, pid)
}
