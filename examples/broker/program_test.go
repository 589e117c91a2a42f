package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/steadgo/stead/examples/internal/program"
	"github.com/steadgo/stead/internal/freeport"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// shop is a running program.
type shop struct {
	*program.Process
	t      *testing.T
	client *http.Client
	url    string
}

// start starts the program. The race detector may report a race of watermill-nats v2.1.3, which
// closes a channel at its end without knowing that no message is on its way into it: that is no
// failure of the program.
func start(t *testing.T, args ...string) shop {
	t.Helper()
	p := program.Command{
		Args: append([]string{"-addr", "127.0.0.1:0"}, args...), Env: []string{"GORACE=exitcode=0 atexit_sleep_ms=0"},
	}.Start(t)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return shop{p, t, client, p.WaitFor(`(http://\S+)/orders `)[1]}
}

func (s shop) get(path string) (int, string) {
	s.t.Helper()
	resp, err := s.client.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer(resp)
}

// order returns the id of an accepted order, "" if it was not accepted.
func (s shop) order(what string) string {
	resp, err := s.client.Post(s.url+"/orders", "text/plain", strings.NewReader(what))
	if err != nil {
		return "" // killed before it could answer
	}
	code, body := answer(resp)
	if code != http.StatusAccepted {
		return ""
	}
	return strings.TrimSpace(body)
}

func answer(resp *http.Response) (int, string) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "" // cut off
	}
	return resp.StatusCode, string(body)
}

// shipped waits until all these orders are in the list, and checks that none is
// twice.
func (s shop) shipped(ids []string) {
	s.t.Helper()
	var list string
	s.Eventually("all orders are shipped", func() bool {
		_, list = s.get("/orders")
		for _, id := range ids {
			if !strings.Contains(list, id) {
				return false
			}
		}
		return true
	})
	for _, id := range ids {
		if n := strings.Count(list, id); n != 1 {
			s.t.Errorf("order %s was shipped %d times", id, n)
		}
	}
}

var (
	packing     = regexp.MustCompile(`packing (\S+)`)
	shippedLine = regexp.MustCompile(`shipped (\S+)`)
)

// stopInTheMiddle sends sig while orders come in and are being handled, and
// returns those that were accepted.
func stopInTheMiddle(t *testing.T, s shop, sig syscall.Signal) (accepted []string) {
	t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			for i := range 200 {
				id := s.order(fmt.Sprintf("order %d of %d", i, c))
				if id == "" {
					return // it has been stopped
				}
				mu.Lock()
				accepted = append(accepted, id)
				mu.Unlock()
			}
		})
	}
	s.Eventually("some orders are shipped, and more wait", func() bool {
		shipped := strings.Count(s.Output(), "shipped ")
		mu.Lock()
		defer mu.Unlock()
		return shipped >= 10 && len(accepted) > shipped+20
	})
	s.Signal(sig)
	clients.Wait()
	return accepted
}

func TestProgramLosesNoOrderWhenItIsKilledOrStopped(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGKILL: -1, syscall.SIGTERM: 0} {
		t.Run(sig.String(), func(t *testing.T) {
			// The first one has time to acknowledge what it ships. The next one is quick.
			dir := filepath.Join(t.TempDir(), "shop")
			s := start(t, "-dir", dir, "-packing", "50ms", "-ack-wait", "1m", "-in-flight", "4")
			accepted := stopInTheMiddle(t, s, sig)
			if code := s.ExitCode(); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			began := packing.FindAllStringSubmatch(s.Output(), -1)
			done := shippedLine.FindAllStringSubmatch(s.Output(), -1)
			if len(done) >= len(accepted) {
				t.Fatalf("%d of %d orders were shipped: nothing was left to lose", len(done), len(accepted))
			}
			if sig == syscall.SIGTERM && len(began) != len(done) {
				t.Errorf("%d orders were begun and %d shipped before the stop was over", len(began), len(done))
			}

			s = start(t, "-dir", dir, "-packing", "1ms", "-ack-wait", "1s", "-in-flight", "4")
			s.shipped(accepted)
			if code := s.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if sig == syscall.SIGTERM {
				// What the first one shipped it has also acknowledged.
				for _, d := range done {
					if strings.Contains(s.Output(), d[1]) {
						t.Errorf("order %s was delivered again", d[1])
					}
				}
			}
			t.Logf("accepted %d, shipped by the first %d", len(accepted), len(done))
		})
	}
}

func TestProgramHoldsNoMoreThanItMayAndGivesBackWhatItCannotFinish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, "-dir", dir, "-packing", "1h", "-ack-wait", "1m", "-in-flight", "2", "-shutdown-timeout", "10s")
	var ids []string
	for range 10 {
		ids = append(ids, s.order("a tent"))
	}
	s.WaitFor(`(?s)packing .*packing `)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(s.Output(), "packing "); n != 2 {
		t.Errorf("%d orders were in its hands, want 2", n)
	}
	s.WaitFor(`items of orders: accepted 2 leftover 2`)
	s = start(t, "-dir", dir, "-packing", "1ms", "-ack-wait", "1s")
	s.shipped(ids)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramPutsAsideWhatNobodyCanHandle(t *testing.T) {
	s := start(t, "-packing", "1ms")
	id := s.order("")
	s.WaitFor("put aside " + id + ".*does not say what")
	s.shipped([]string{s.order("a boat")})
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Count(s.Output(), "put aside "+id) != 1 {
		t.Error("it came again")
	}
}

// external is a broker of its own on a port.
func external(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS does not come up")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func TestProgramIsUnreadyWhileItsBrokerIsAway(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freeport.Get()
	nats := external(t, dir, port)
	s := start(t, "-nats", nats.ClientURL(), "-packing", "1ms", "-ack-wait", "1s")
	before := s.order("a tent")
	s.shipped([]string{before})
	readiness := func(want int) func() bool {
		return func() bool { code, _ := s.get("/readyz"); return code == want }
	}
	s.Eventually("ready", readiness(http.StatusOK))
	nats.Shutdown()
	nats.WaitForShutdown()
	s.Eventually("unready", readiness(http.StatusServiceUnavailable))

	external(t, dir, port)
	s.Eventually("ready again", readiness(http.StatusOK))
	var after string
	s.Eventually("an order is accepted", func() bool { after = s.order("a stove"); return after != "" })
	s.shipped([]string{before, after})
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Nothing can be acknowledged or given back any more.
func TestProgramStopsInTimeWhenItsBrokerIsAway(t *testing.T) {
	t.Parallel()
	nats := external(t, t.TempDir(), server.RANDOM_PORT)
	s := start(t, "-nats", nats.ClientURL(), "-packing", "1h", "-shutdown-timeout", "10s")
	for range 3 {
		s.order("a tent")
	}
	s.Eventually("they are being packed", func() bool { return len(packing.FindAllString(s.Output(), -1)) == 3 })
	nats.Shutdown()
	nats.WaitForShutdown()
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.Output(), "did not return") {
		t.Error("a service did not stop")
	}
}

func TestProgramFailsWithoutItsBroker(t *testing.T) {
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0", "-nats", "nats://127.0.0.1:1"}}.Start(t)
	if code := p.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	p.WaitFor("nats.*connect")
}

func TestProgramRefusesFlagsThatAreWrong(t *testing.T) {
	for _, args := range []string{
		"-in-flight 0", "-ack-wait 0s", "-packing -1s", "-shutdown-timeout 0s", "-addr 8082", "-nats http://127.0.0.1:4222", "orders",
	} {
		p := program.Command{Args: strings.Fields(args)}.Start(t)
		if code := p.ExitCode(); code != 2 {
			t.Errorf("%s: exit code %d, want 2", args, code)
		}
		name, _, _ := strings.Cut(args, " ")
		p.WaitFor(name + ".*\n")
	}
}
