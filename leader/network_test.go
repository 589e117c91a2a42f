//go:build linux

package leader_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// network is a namespace whose one link can be cut, so that packets vanish as they
// do when a cable is pulled: no connection is closed and none is refused.
type network struct {
	t    *testing.T
	name string
	link string
	host string // the address of this side
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, name: fmt.Sprintf("stead%d", os.Getpid()%100000)}
	n.link = n.name + "h"
	subnet := fmt.Sprintf("10.213.%d", os.Getpid()%250)
	n.host = subnet + ".1"
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		t.Skipf("this machine allows no network namespaces: %v: %s", err, out)
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "delete", n.link).Run() // at once; with its namespace it goes some time later
		_ = exec.Command("ip", "netns", "delete", n.name).Run()
	})
	n.ip("link", "add", n.link, "type", "veth", "peer", "name", "eth0", "netns", n.name)
	n.ip("addr", "add", n.host+"/24", "dev", n.link)
	n.ip("link", "set", n.link, "up")
	n.ip("-n", n.name, "addr", "add", subnet+".2/24", "dev", "eth0")
	n.ip("-n", n.name, "link", "set", "eth0", "up")
	return n
}

func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

func (n *network) cut()  { n.t.Helper(); n.ip("link", "set", n.link, "down") }
func (n *network) heal() { n.t.Helper(); n.ip("link", "set", n.link, "up") }

// forward carries connections to this side of the link on to a server that only
// listens on the loopback, and returns where it listens.
func (n *network) forward(to string) string {
	n.t.Helper()
	listener, err := net.Listen("tcp", n.host+":0")
	if err != nil {
		n.t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				all.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				})
			}
		}
	})
	n.t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return listener.Addr().String()
}

func TestACutOfTheNetworkEndsTheWorkInTimeAndTheOtherSideLeads(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		n := newNetwork(t)
		far := strings.Replace(b.url, b.addr, n.forward(b.addr), 1)
		c := newCrew(t, 10*time.Second, 100*time.Millisecond)
		c.send("far", "lead", far, "ip", "netns", "exec", n.name)
		c.newLeader("")
		c.send("near", "lead", b.url)
		time.Sleep(c.ttl)
		n.cut()
		at := time.Now()
		c.newLeader("far")
		v := c.judge()
		t.Logf("far left after %v, near led after %v, of a TTL of %v", v.lastAt["far"].Sub(at), v.firstAt["near"].Sub(at), c.ttl)
		if left := v.lastAt["far"].Sub(at); left >= c.ttl {
			t.Errorf("far worked for %v without its store", left)
		}
		n.heal()
		c.signal("near", syscall.SIGTERM)
		c.end("near", 0)
		_, took := c.newLeader("near")
		t.Logf("far led again after %v", took)
		c.judge().wantExclusive(t)
	})
}
