//go:build unix

package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/freeport"
)

// Postgres is a PostgreSQL cluster of one test, in a temporary folder.
type Postgres struct {
	URL  string // of its database "postgres", for the superuser "postgres"
	t    testing.TB
	ctl  string
	data string
	port int
	as   *syscall.Credential // PostgreSQL refuses to run as root
	env  []string
}

// NewPostgres makes and starts a cluster, which is removed at the end of the test.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	return newPostgres(t)
}

// NewPostgresAhead starts a server as NewPostgres does, with a clock that is ahead of ours, by Debian's
// faketime. Without that the test is skipped.
func NewPostgresAhead(t testing.TB, by time.Duration) *Postgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if len(found) == 0 {
		t.Skip("faketime is not installed")
	}
	return newPostgres(t, "LD_PRELOAD="+found[0], fmt.Sprintf("FAKETIME=%+d", int(by.Seconds())), "FAKETIME_DONT_FAKE_MONOTONIC=1")
}

func newPostgres(t testing.TB, env ...string) *Postgres {
	t.Helper()
	bin := []string{"/usr/lib/postgresql/*/bin", "/usr/local/opt/postgresql*/bin"}
	dir, err := os.MkdirTemp("", "stead-postgres-") //nolint:usetesting // t.TempDir lies in a folder that the user postgres may not enter
	if err != nil {
		t.Fatal(err)
	}
	p := &Postgres{t: t, ctl: find(t, "pg_ctl", bin...), data: filepath.Join(dir, "data"), env: env}
	t.Cleanup(func() {
		_ = p.stop("immediate") // the test may have ended with the server killed
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() == 0 {
		p.as = credential(t, "postgres")
		if err := os.Chown(dir, int(p.as.Uid), int(p.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, p.command(find(t, "initdb", bin...), "-D", p.data, "-U", "postgres", "-A", "trust", "--no-sync"))
	p.port = freeport.Get() // not before: initdb takes a while, in which another process may take it
	p.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", p.port)
	p.Start()
	return p
}

// Start starts the stopped cluster and waits until it answers.
func (p *Postgres) Start() {
	p.t.Helper()
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200", p.port)
	run(p.t, p.command(p.ctl, "-D", p.data, "-w", "-t", "60", "-l", filepath.Join(p.data, "log"), "-o", options, "start"))
	waitFor(p.t, "PostgreSQL", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// Kill ends the cluster at once, as a crash of the server does: connections
// break, and the next Start recovers from the log.
func (p *Postgres) Kill() {
	p.t.Helper()
	if err := p.stop("immediate"); err != nil {
		p.t.Fatal(err)
	}
}

// Signal sends sig to the server's first process, which accepts connections.
func (p *Postgres) Signal(sig syscall.Signal) {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid"))
	if err != nil {
		p.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		p.t.Fatal(err)
	}
	signal(p.t, pid, sig)
}

func (p *Postgres) stop(mode string) error {
	out, err := p.command(p.ctl, "-D", p.data, "-w", "-m", mode, "stop").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_ctl stop: %w\n%s", err, out)
	}
	return nil
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Dir(p.data)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C", "TZ=UTC"), p.env...)
	// A group of its own: Ctrl-C on the tests must not reach the server first.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.as != nil {
		cmd.SysProcAttr.Credential = p.as
	}
	return cmd
}

func credential(t testing.TB, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		t.Fatalf("user %s has id %s and group %s", name, u.Uid, u.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
