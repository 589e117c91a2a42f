// Command webapp is a small web shop page with background work beside it: a
// welcome e-mail for everybody who signs up, a product cache that is warm before
// the first visitor comes, and a nightly clean-up.
//
//	go run ./examples/webapp
//
// Open the address that it prints, sign up, look at /mails, then press Ctrl-C
// and read the report. With -store the mails outlive the process, in a file or in
// PostgreSQL, and the page and the sending may be processes of their own:
//
//	go run ./examples/webapp -store sqlite:shop.db
//
//	go run ./examples/webapp migrate -store sqlite:shop.db
//	go run ./examples/webapp -store sqlite:shop.db -role web
//	go run ./examples/webapp -store sqlite:shop.db -role worker -addr 127.0.0.1:8081
//
// Mails that were given up go to a file and back, see the flags -state and -skip:
//
//	go run ./examples/webapp jobs export -store sqlite:shop.db >failed.jsonl
//	go run ./examples/webapp jobs import -store sqlite:shop.db <failed.jsonl
//
// The dashboard is on a port of its own, 1000 above that of the page.
//
// The parts:
//
//	main.go               what is started, in which order
//	signup.go, outbox.go  the form, and the queue behind it
//	mail.go, catcher.go   what a worker sends, and a mail server to try it on
//	products.go           the cache and its job
//	admin.go              the dashboard, and who may press its buttons
//	site.go, pages.go     addresses, metrics, health; the pages
//	config.go, demo.go    flags; what goes wrong with -demo
//	transfer.go           jobs as lines of JSON
//	log.go                what of the log -demo leaves out
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

func main() {
	cfg := configure()
	host := hosted.New(hosted.Config{
		Name: "webapp", Logger: cfg.log, ShutdownTimeout: cfg.shutdown, DrainDelay: cfg.drain,
	})

	// The dashboard and the metrics are on a server of their own, which nobody outside
	// sees. It is added first and so stops last: the page shows the stop to its end.
	admin := newAdmin(host, cfg)
	ops := hosted.HTTP(&http.Server{Addr: cfg.adminAddr, Handler: admin.routes(host), ReadHeaderTimeout: 5 * time.Second})
	host.Add("admin", ops)

	// Somewhere for the mail to go, unless there is a real server.
	catcher := newCatcher()
	if cfg.role.sends() && cfg.smtp == "" {
		host.Add("catcher", catcher)
	}

	// Who signs up does not wait for the mail: it goes through a queue, which
	// -store keeps in memory, in a file or in PostgreSQL.
	unsent := &leftovers{}
	emails, err := openOutbox(host, cfg, newMailer(cfg, catcher).send, unsent)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	// At night nobody looks at yesterday's mail.
	if cfg.role.sends() {
		host.Add("clean-up", cli.Must(periodic.New(periodic.Config{
			Name: "clean-up", Schedule: cli.Must(periodic.Cron("30 3 * * *", time.Local)),
		}, catcher.cleanUp)))
	}

	// The products take half a second to get. They are there before the first
	// visitor is, and fetched again every minute. When that fails the old ones
	// stay, and readiness shows it: see products.health.
	shop := newProducts(newOrigin(cfg.failRate), cfg.log)
	if cfg.role.serves() {
		host.Task("warm-up", shop.warm)
		host.Add("refreshes", shop.refresher(), hosted.NotCritical())
		host.Add("products", cli.Must(periodic.New(periodic.Config{
			Name: "products", Schedule: periodic.Every(time.Minute), Phase: -1,
		}, shop.refresh)), hosted.Health(shop.health), hosted.NotCritical())
	}

	// HTTP comes last and so goes first: no request arrives before everything is
	// ready for it, and none after the rest has begun to stop.
	admin.addTo(host)
	if cfg.demo {
		addDemo(host, emails)
	}
	site := &site{role: cfg.role, host: host, emails: emails, products: shop, catcher: catcher, log: cfg.log}
	web := hosted.HTTP(&http.Server{Addr: cfg.addr, Handler: site.routes(), ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web)

	os.Exit(run(host, cfg, emails, unsent, func() { cfg.hello(web.Addr(), ops.Addr(), admin.token) }))
}

// run runs the host, or the one command that there is, and returns the exit code.
func run(host *hosted.Host, cfg config, emails outbox, unsent *leftovers, hello func()) (code int) {
	if cfg.migrate || cfg.transfer != "" {
		ctx, release := lifecycle.SignalContext(context.Background())
		defer release()
		// No worker is started for it, only what it needs.
		task := emails.migrate
		if cfg.transfer != "" {
			task = emails.transfer
		}
		if err := host.RunTask(ctx, task, "store"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		} else if cfg.migrate {
			fmt.Println("the tables are there")
		}
	} else {
		go func() {
			<-host.Lifetime().Started()
			hello()
		}()
		code = cli.Exec(host, "addr")
	}
	switch err := host.Report().Err; {
	case cfg.transfer != "" && (err == nil || !strings.Contains(err.Error(), "durable.Migrate")):
		// Standard output has the jobs, and how many they are was said.
	case cfg.transfer == "" && (cfg.migrate || isClosed(host.Lifetime().Started())):
		fmt.Print(host.Report())
	case err != nil && strings.Contains(err.Error(), "durable.Migrate"):
		fmt.Fprintln(os.Stderr, "make the tables first: webapp migrate, with the same -store")
	} // otherwise why it did not start was said, and there is nothing else to tell
	if err := cfg.writeReport(host.Report(), unsent); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
