//go:build unix

package testserver

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/steadgo/stead/internal/freeport"
)

// NewPgBouncer starts PgBouncer before the server of a URL, in the pool mode "session",
// "transaction" or "statement", until the end of the test. It returns the URL of the
// same database through it.
func NewPgBouncer(t testing.TB, server, mode string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "stead-pgbouncer-") //nolint:usetesting // t.TempDir lies in a folder that the user postgres may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := freeport.Get()
	file := filepath.Join(dir, "pgbouncer.ini")
	config := fmt.Sprintf("[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%d\nunix_socket_dir=\n"+
		"auth_type=any\npool_mode=%s\nignore_startup_parameters=extra_float_digits\n", u.Hostname(), u.Port(), u.User.Username(), port, mode)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(find(t, "pgbouncer", "/usr/sbin"), file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 { // it refuses to run as root
		cmd.SysProcAttr.Credential = credential(t, "postgres")
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, which Wait calls an error
	})
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	waitFor(t, "PgBouncer", func() error {
		c, err := net.Dial("tcp", u.Host)
		if err == nil {
			err = c.Close()
		}
		return err
	})
	return u.String()
}
