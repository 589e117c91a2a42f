package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
)

// onEveryStore runs a test on a SQLite file and, where there is a server, on
// PostgreSQL, in a schema of its own.
func onEveryStore(t *testing.T, test func(t *testing.T, env []string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		test(t, []string{"WEBAPP_STORE=sqlite:" + filepath.Join(t.TempDir(), "shop.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := os.Getenv("STEAD_TEST_POSTGRES")
		if server == "" {
			t.Skip("STEAD_TEST_POSTGRES is not set")
		}
		test(t, []string{"WEBAPP_STORE=" + newSchema(t, server)})
	})
}

// newSchema returns the URL of an empty schema, which is dropped after the test.
func newSchema(t *testing.T, server string) string {
	t.Helper()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + strings.ToLower(rand.Text())
	execute := func(statement string) {
		conn, err := pgx.Connect(context.Background(), server)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Error(err)
		}
	}
	execute("CREATE SCHEMA " + name)
	t.Cleanup(func() { execute("DROP SCHEMA " + name + " CASCADE") })
	query := at.Query()
	query.Set("search_path", name)
	at.RawQuery = query.Encode()
	return at.String()
}

func TestProgramKeepsMailsInItsStoreFromOneRunToTheNext(t *testing.T) {
	onEveryStore(t, func(t *testing.T, env []string) {
		stuck := []string{env[0], "WEBAPP_TEST_HANG_AT=hang@example.com"}
		p := start(t, stuck, "-shutdown-timeout", "2s")
		p.signUp("hang@example.com")
		p.Eventually("the worker hangs", func() bool { return p.queue().InProgress == 1 })
		if code := p.Stop(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		w := p.written()
		for _, s := range w.Report.Services {
			if (s.LeftOver == 1) != (s.Name == "emails") || (s.Error != "") != (s.Name == "emails") {
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
	onEveryStore(t, func(t *testing.T, env []string) {
		const visitors = 300
		box := openPostbox(t, 50*time.Millisecond)

		early := begin(t, env, "-role", "web", "-addr", "127.0.0.1:0")
		if code := early.ExitCode(); code != 1 || !strings.Contains(early.Output(), "Migrate") {
			t.Errorf("without tables: exit code %d, %s", code, early.Output())
		}
		for range 2 { // a deployment that is run again does no harm
			tables := begin(t, env, "migrate")
			if code := tables.ExitCode(); code != 0 {
				t.Fatalf("migrate: exit code %d", code)
			}
			if services := tables.written().Report.Services; !ran(services, "store") || ran(services, "emails") || ran(services, "http") {
				t.Errorf("migrate started more than the store: %+v", services)
			}
		}

		shop := start(t, env, "-role", "web")
		for i := range visitors {
			shop.signUp(fmt.Sprintf("visitor-%d@example.com", i))
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
		// What the killed worker had in hand, or had sent and not yet noted, is in the
		// store as running, until it is so old that it counts as lost.
		inHand, sent := inHand(t, env), box.received()
		for i := range visitors {
			if address := fmt.Sprintf("visitor-%d@example.com", i); sent[address] != 1 && (sent[address] != 0 || !inHand[address]) {
				t.Errorf("%s got %d mails and is in the store: %v", address, sent[address], inHand[address])
			}
		}
		if len(inHand) == 0 {
			t.Error("the test is to kill a worker that has something in hand")
		}
		if os.Getenv("STEAD_TEST_FAULTS") == "" {
			return
		}
		rescuer := start(t, env, "-role", "worker", "-smtp", box.addr)
		rescuer.Patience = 4 * time.Minute
		rescuer.Eventually("what was in hand is sent", func() bool { q := rescuer.queue(); return q.States["completed"] == visitors })
		for i := range visitors {
			if address := fmt.Sprintf("visitor-%d@example.com", i); box.received()[address] == 0 {
				t.Errorf("%s got no mail", address)
			}
		}
	})
}

// inHand are the addresses of the jobs that the store holds for running.
func inHand(t *testing.T, env []string) map[string]bool {
	t.Helper()
	_, text, _ := strings.Cut(env[0], "=")
	name, err := parseStore(text)
	if err != nil {
		t.Fatal(err)
	}
	if name.kind == "sqlite" {
		return running(t, must(sqlite.Open(name.at)))
	}
	return running(t, must(postgres.Open(t.Context(), name.at)))
}

func running[TTx any](t *testing.T, store closingStore[TTx]) map[string]bool {
	t.Helper()
	defer func() { _ = store.Close() }()
	jobs := must(durable.New(store, durable.Config{Mode: durable.InsertOnly}))
	emails := must(durable.NewQueue(jobs, "emails", sender(nil), durable.QueueConfig[welcome]{}))
	rows, err := emails.List(t.Context(), 10_000, rivertype.JobStateRunning)
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]bool{}
	for _, row := range rows {
		var mail welcome
		if err := json.Unmarshal(row.EncodedArgs, &mail); err != nil {
			t.Fatal(err)
		}
		addresses[mail.Email] = true
	}
	return addresses
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

// queue is what the dashboard says of the only one.
func (p *process) queue() dashboard.Queue {
	p.t.Helper()
	state := p.state()
	if len(state.Queues) != 1 {
		p.t.Fatalf("queues: %+v", state.Queues)
	}
	return state.Queues[0]
}
