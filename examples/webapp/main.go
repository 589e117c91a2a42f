// Command webapp is a small web shop page with background work beside it: a
// welcome e-mail for everybody who signs up, a product cache that is warm before
// the first visitor comes, and a nightly clean-up.
//
//	go run ./examples/webapp
//
// Open the address that it prints, sign up, look at /mails, then press Ctrl-C
// and read the report.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

func main() {
	cfg := configure()
	host := hosted.New(hosted.Config{
		Name: "webapp", Logger: cfg.log, ShutdownTimeout: cfg.shutdown, DrainDelay: cfg.drain,
	})

	// Somewhere for the mail to go, unless there is a real server.
	catcher := newCatcher()
	if cfg.smtp == "" {
		host.Add("catcher", catcher)
	}

	// Who signs up does not wait for the mail: it goes through a queue. When that
	// is full the visitor is told to come back, rather than kept waiting.
	emails := must(channelq.New(channelq.Config[welcome]{Name: "emails", Capacity: 10_000, OnFull: channelq.Reject}))
	unsent := &leftovers{}
	senders := must(channelq.NewWorkers(emails, newMailer(cfg, catcher).send, channelq.WorkerConfig[welcome]{
		Concurrency: 8,
		Timeout:     10 * time.Second,
		Retry:       channelq.Retry{Attempts: 5, Initial: 250 * time.Millisecond},
		OnLeftover:  unsent.keep,
		OnGiveUp:    unsent.giveUp,
		Logger:      cfg.log,
	}))
	host.Add("emails", senders)

	// The products take half a second to get. They are there before the first
	// visitor is, and fetched again every minute.
	shop := newProducts(newOrigin(cfg.failRate), cfg.log)
	refresh := must(periodic.New(periodic.Config{
		Name: "products", Schedule: periodic.Every(time.Minute), Phase: -1, Logger: cfg.log,
	}, shop.refresh))
	host.Task("warm-up", shop.warm)
	host.Add("products", refresh)

	// At night nobody looks at yesterday's mail.
	nightly := must(periodic.New(periodic.Config{
		Name: "clean-up", Schedule: must(periodic.Cron("30 3 * * *", time.Local)), Logger: cfg.log,
	}, catcher.cleanUp))
	host.Add("clean-up", nightly)

	// HTTP comes last and so goes first: no request arrives before everything is
	// ready for it, and none after the rest has begun to stop.
	admin := newAdmin(host, cfg.adminToken, cfg.log)
	host.Add("dashboard", admin.operator)
	if cfg.demo {
		addDemo(host, emails, cfg.log)
	}
	site := &site{host: host, emails: emails, senders: senders, products: shop, catcher: catcher, admin: admin}
	web := hosted.HTTP(&http.Server{Addr: cfg.addr, Handler: site.routes(), ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web)

	go func() {
		<-host.Lifetime().Started()
		cfg.hello(web.Addr(), admin.token)
	}()
	code := hosted.Exec(host)
	fmt.Print(host.Report())
	if err := cfg.writeReport(host.Report(), unsent); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// must is for what can only fail because it was written wrongly above.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
