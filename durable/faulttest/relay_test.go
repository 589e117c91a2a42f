//go:build unix

package faulttest_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay passes connections on to a server. It can hold everything back, in both
// directions, as a network does that loses every packet.
type relay struct {
	listener net.Listener
	to       string
	pass     sync.RWMutex // held for writing while nothing may pass
	work     sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool // nil once it is closed
}

// newRelay listens on the address for connections to the server of a URL, and
// returns the URL that leads through it.
func newRelay(t *testing.T, listen, server string) (r *relay, through string) {
	t.Helper()
	u, err := url.Parse(server)
	must(t, err)
	l, err := net.Listen("tcp", listen)
	must(t, err)
	r = &relay{listener: l, to: u.Host, open: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	r.work.Go(r.accept)
	t.Cleanup(r.close)
	return r, u.String()
}

func (r *relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		r.mu.Lock()
		if r.open == nil {
			r.mu.Unlock()
			_, _ = in.Close(), out.Close()
			return
		}
		r.open[in], r.open[out] = true, true
		r.mu.Unlock()
		r.work.Go(func() { r.copy(in, out) })
		r.work.Go(func() { r.copy(out, in) })
	}
}

func (r *relay) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		r.pass.RLock()
		_, errWrite := to.Write(buf[:n])
		r.pass.RUnlock()
		if errors.Join(err, errWrite) != nil {
			_, _ = to.Close(), from.Close()
			return
		}
	}
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for c := range r.open {
		_ = c.Close()
	}
	r.open = nil
	r.mu.Unlock()
	r.work.Wait()
}

// network is a way to a server that can be cut: a network namespace whose only
// link is taken down, where the machine allows that, and otherwise a relay that
// holds everything back.
type network struct {
	command []string // runs a program in it
	url     string
	cut     func(down bool)
	how     string
}

func newNetwork(t *testing.T, server string) *network {
	t.Helper()
	name := fmt.Sprintf("stead%d", os.Getpid()%100000)
	host, inside := name+"a", name+"b"
	// Of its own, as a test that was killed leaves its network behind.
	pid := os.Getpid()
	here := fmt.Sprintf("10.213.%d.%d", pid>>6&0xff, pid<<2&0xff+1)
	there := fmt.Sprintf("10.213.%d.%d", pid>>6&0xff, pid<<2&0xff+2)
	ip := func(args string) error {
		out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
		return nil
	}
	t.Cleanup(func() { // whatever of it there is
		_ = ip("link del " + host)
		_ = ip("netns del " + name)
	})
	for _, args := range []string{
		"netns add " + name,
		"link add " + host + " type veth peer name " + inside + " netns " + name,
		"addr add " + here + "/30 dev " + host,
		"link set " + host + " up",
		"-n " + name + " addr add " + there + "/30 dev " + inside,
		"-n " + name + " link set " + inside + " up",
	} {
		if err := ip(args); err != nil {
			t.Logf("no network namespace here, so a relay holds everything back: %v", err)
			r, through := newRelay(t, "127.0.0.1:0", server)
			return &network{command: nil, url: through, how: "a relay", cut: func(down bool) {
				if down {
					r.pass.Lock()
				} else {
					r.pass.Unlock()
				}
			}}
		}
	}
	_, through := newRelay(t, here+":0", server)
	return &network{
		command: []string{"ip", "netns", "exec", name}, url: through, how: "a network namespace",
		cut: func(down bool) {
			to := map[bool]string{true: "down", false: "up"}[down]
			// The side of the worker: the packets of both are lost there, and nobody
			// is told.
			must(t, ip("-n "+name+" link set "+inside+" "+to))
		},
	}
}

func (n *network) away(d time.Duration) {
	n.cut(true)
	time.Sleep(d)
	n.cut(false)
}
