//go:build unix

package main

import (
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/steadgo/stead/examples/internal/program"
)

// wire passes bytes on to a server until it is cut: then they vanish, as when the
// machine of the server stands still.
type wire struct {
	net.Listener

	cut chan struct{}
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l, make(chan struct{})}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			t.Cleanup(func() { _, _ = in.Close(), out.Close() })
			all.Go(func() { w.pass(in, out) })
			all.Go(func() { w.pass(out, in) })
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return w
}

func (w *wire) pass(from, to net.Conn) {
	for buffer := make([]byte, 4096); ; {
		n, err := from.Read(buffer)
		select {
		case <-w.cut:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if err != nil {
			_ = to.Close()
			return
		}
		_, _ = to.Write(buffer[:n])
	}
}

// The driver of PostgreSQL waits for up to 15 s before it drops a connection to a server that
// stands still.
func TestProgramEndsInItsBudgetWhileItsStoreStandsStill(t *testing.T) {
	stores := map[string]string{"postgres": os.Getenv("STEAD_TEST_POSTGRES"), "redis": "redis://" + miniredis.RunT(t).Addr()}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			if store == "" {
				t.Skip("needs a server: set STEAD_TEST_POSTGRES")
			}
			at, err := url.Parse(store)
			if err != nil {
				t.Fatal(err)
			}
			w := newWire(t, at.Host)
			at.Host = w.Addr().String()
			args := []string{"-store", at.String(), "-ttl", "5s", "-shutdown-timeout", "8s"}
			p := program.Command{Args: args}.Start(t)
			p.WaitFor("sends the newsletter")
			close(w.cut)
			code := p.Stop()
			if name == "redis" && code != 0 {
				t.Errorf("exit code %d", code)
			}
			if name == "postgres" && (code != 1 || !strings.Contains(p.Output(), `did not return in time: "store"`)) {
				t.Errorf("exit code %d, and the store is not named", code)
			}
			if !strings.Contains(p.Output(), "lease not released, it will expire") {
				t.Error("nothing says that the lease is still held")
			}
		})
	}
}
