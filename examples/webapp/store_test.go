package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProgramKeepsMailsInItsStoreFromOneRunToTheNext(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, env []string) {
		stuck := []string{env[0], "WEBAPP_TEST_HANG_AT=hang@example.com"}
		p := start(t, stuck, "-shutdown-timeout", "8s")
		p.signUp("hang@example.com")
		p.Eventually("the worker hangs", func() bool { return p.queue().InProgress == 1 })
		if code := p.Stop(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		w := p.written()
		for _, s := range w.Report.Services {
			if (s.Leftover == 1) != (s.Name == "emails") || (s.Error != "") != (s.Name == "emails") {
				t.Errorf("report: %+v", s)
			}
		}

		p = start(t, env)
		p.signUp("next@example.com")
		p.Eventually("the mail of this run is caught", func() bool { _, body := p.get("/mails.json"); return strings.Contains(body, "next@example.com") })
		p.Eventually("the note of it is in the store", func() bool { return p.queue().States["completed"] == 1 })
		if q := p.queue(); q.States["running"] != 1 {
			t.Errorf("the mail of the first run is not in the store: %v", q.States)
		}
		if code := p.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if w := p.written(); !w.Report.Clean {
			t.Errorf("report %+v", w)
		}
	})
}

func TestProgramAsTwoProcessesLosesNoMailWhenTheWorkerIsKilled(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, env []string) {
		const visitors = 300
		box := openPostbox(t, 100*time.Millisecond)
		makeTables(t, env)

		shop := start(t, env, "-role", "web")
		for i := range visitors {
			shop.signUp(visitor(i))
		}
		if q := shop.queue(); q.Accepted != visitors || q.Workers != 0 || metric(shop)[`stead_queue_accepted_total{queue="emails"}`] != visitors {
			t.Errorf("the web process shows %+v", q)
		}

		sendUntil := func(n int) *process {
			w := start(t, env, "-role", "worker", "-smtp", box.addr)
			w.Eventually("mails are sent", func() bool { return len(box.received()) >= n })
			return w
		}
		killed := sendUntil(visitors / 4)
		killed.Signal(syscall.SIGKILL)
		killed.ExitCode()

		stopped := sendUntil(visitors / 2)
		if code := stopped.Stop(); code != 0 || !stopped.written().Report.Clean {
			t.Errorf("a stopped worker: exit code %d, %+v", code, stopped.written())
		}
		if n := shop.queue().Depth; n == 0 {
			t.Error("the test is to stop a worker that has more to do")
		}

		last := start(t, env, "-role", "worker", "-smtp", box.addr)
		last.Eventually("nothing waits", func() bool {
			q := shop.queue()
			return q.Depth+q.Parked == 0 && q.States["running"]+q.States["completed"] == visitors
		})
		for _, p := range []*process{last, shop} {
			if code := p.Stop(); code != 0 || !p.written().Report.Clean {
				t.Errorf("exit code %d, report %+v", code, p.written())
			}
		}
		eachSentOrInHand(t, box.received(), inHand(t, env), visitors)
		if os.Getenv("STEAD_TEST_FAULTS") != "" {
			rescue(t, env, box, visitors)
		}
	})
}

func visitor(i int) string { return fmt.Sprintf("visitor-%d@example.com", i) }

// makeTables is what a deployment does: migrate, more than once at times. Before
// it the program says that it has to be done.
func makeTables(t *testing.T, env []string) {
	t.Helper()
	early := begin(t, env, "-role", "web", "-addr", "127.0.0.1:0")
	if code := early.ExitCode(); code != 1 || !strings.Contains(early.Output(), "webapp migrate") {
		t.Errorf("without tables: exit code %d, %s", code, early.Output())
	}
	for range 2 {
		tables := begin(t, env, "migrate")
		if code := tables.ExitCode(); code != 0 || !strings.Contains(tables.Output(), "the tables are there\n") {
			t.Fatalf("migrate: exit code %d, %s", code, tables.Output())
		}
		if services := tables.written().Report.Services; !ran(services, "store") || ran(services, "emails") || ran(services, "http") {
			t.Errorf("migrate started more than the store: %+v", services)
		}
	}
}

// eachSentOrInHand looks for every visitor's mail. What the killed worker had in
// hand, or had sent and not yet noted, is in the store as running, until it is so
// old that it counts as lost.
func eachSentOrInHand(t *testing.T, sent map[string]int, inHand map[string]bool, visitors int) {
	t.Helper()
	for i := range visitors {
		if address := visitor(i); sent[address] != 1 && (sent[address] != 0 || !inHand[address]) {
			t.Errorf("%s got %d mails and is in the store: %v", address, sent[address], inHand[address])
		}
	}
	if len(inHand) == 0 {
		t.Error("the test is to kill a worker that has something in hand")
	}
}

// rescue waits until what the killed worker had in hand is old enough, which takes
// minutes, and for another worker to send it.
func rescue(t *testing.T, env []string, box *postbox, visitors int) {
	t.Helper()
	rescuer := start(t, env, "-role", "worker", "-smtp", box.addr)
	rescuer.Patience = 10 * time.Minute
	rescuer.Eventually("what was in hand is sent", func() bool { q := rescuer.queue(); return q.States["completed"] == visitors })
	for i := range visitors {
		if address := visitor(i); box.received()[address] == 0 {
			t.Errorf("%s got no mail", address)
		}
	}
}

// ran reports whether a service was started and stopped, by the report.
func ran(services []serviceLine, name string) bool {
	for _, s := range services {
		if s.Name == name {
			return s.State == "stopped" || s.State == "completed"
		}
	}
	return false
}

func (p *process) signUp(address string) {
	p.t.Helper()
	if code, body := p.post("application/json", fmt.Sprintf(`{"email":%q}`, address)); code != http.StatusAccepted {
		p.t.Fatalf("sign-up: %d %s", code, body)
	}
}
