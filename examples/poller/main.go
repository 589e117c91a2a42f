// Command poller does work that waits in a table: what a webhook brought, and
// reminders that are due in a day. Several of it may run on one table, on
// PostgreSQL on several machines, and none does what another one does.
//
//	go run ./examples/poller
//
// It prints what to try. The parts worth reading:
//
//   - table.go claims rows so that two processes never take the same one: FOR
//     UPDATE SKIP LOCKED on PostgreSQL, an atomic update on SQLite.
//   - poll.go works off a batch and, with periodic.ErrAgain, runs again at once
//     while there is more.
//   - web.go answers a webhook as soon as its event is in the table, and knows by
//     an idempotency key what it has got before.
//
// The alternative is to let one process alone poll: wrap the job in leader.Only,
// as examples/leaderonly does. Take it when tasks have to be done in order or must
// not be done side by side. Keep the claim nevertheless: it also brings back the
// work of a process that died.
//
// A program that needs retries, priorities and a page for failed jobs as well has
// outgrown this: package durable is the same idea with an engine behind it.
package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

func main() {
	opts := parse(os.Args[1:])
	log := cli.Log(slog.LevelInfo)
	tasks, err := openTable(opts.store, opts.lease)
	if err != nil {
		fmt.Fprintln(os.Stderr, "poller:", err)
		os.Exit(2)
	}

	host := hosted.New(hosted.Config{Name: "poller", Logger: log})
	host.Add("table", tasks)
	p := &poller{tasks: tasks, deliver: deliverTo(opts.notify), lease: opts.lease, log: log}
	job := cli.Must(periodic.New(periodic.Config{
		Name: "poll", Schedule: periodic.Every(opts.every), RunAtStart: true,
		// A trigger during a run leads to one more: what the webhook just brought
		// may have come too late for this one.
		Overlap: periodic.QueueOne,
		// Tasks not done by then are released while the claim still holds.
		Timeout: opts.lease / 2,
	}, p.poll))
	host.Add("poll", job)
	server := hosted.HTTP(&http.Server{Addr: opts.addr, Handler: routes(host, tasks, job), ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", server)

	cli.Hello(host, func() string { return fmt.Sprintf(hello, server.Addr(), withoutPassword(opts.store)) })
	code := cli.Exec(host, "addr")
	fmt.Print(host.Report())
	os.Exit(code)
}

// withoutPassword is for a terminal that others may see.
func withoutPassword(store string) string {
	if at, err := url.Parse(store); err == nil {
		return at.Redacted()
	}
	return store
}

const hello = `
  curl -d '{"text": "water the plants", "in": "10s"}' http://%[1]s/reminders
  curl -d '{"order": 7}' -H 'Idempotency-Key: order-7' http://%[1]s/webhook   # twice, to see it done once
  http://%[1]s/tasks             what waits and what was done; /admin/ shows the polling
  go run ./examples/poller -addr 127.0.0.1:0 -store %[2]s
                                 a second process on the same table
  Ctrl-C                         stop, and read the report

`
