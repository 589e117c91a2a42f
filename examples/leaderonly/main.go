// Command leaderonly sends a newsletter from one of three processes. Kill the one
// that sends it, and watch another take over.
//
//	go run ./examples/leaderonly
//
// starts three copies of itself beside a Redis in memory, and kills the leader
// every 15 seconds; with -kill 0 that is left to you. With a store it is one such
// process: start it in as many terminals, or on as many machines, as you like.
//
//	go run ./examples/leaderonly -store postgres://app@db/app
//	go run ./examples/leaderonly -store redis://cache:6379/0
//
// What one process is stands here; stage.go is the three of them with the killer.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

const group = "newsletter"

func main() {
	opts := parse(os.Args[1:])
	if opts.store == "" {
		stage := newStage(opts.ttl, opts.kill)
		code := hosted.Exec(stage)
		fmt.Print(stage.Report())
		os.Exit(code)
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	leases, err := open(opts.store)
	if err != nil {
		fmt.Fprintln(os.Stderr, "leaderonly:", err)
		os.Exit(2)
	}
	host := candidate(leases, leader.Config{Group: group, Name: opts.name, TTL: opts.ttl, Logger: log}, opts)
	os.Exit(hosted.Exec(host))
}

// candidate is a program with a newsletter that only one of all processes sends.
func candidate(s store, cfg leader.Config, opts options) *hosted.Host {
	host := hosted.New(hosted.Config{Name: cfg.Name, ShutdownTimeout: opts.shutdown})
	host.Add("store", hosted.Closer(s)) // closed last, within the budget: one that hangs is named
	host.Task("migrate", s.prepare)

	// A new job for every term, with the fence that Start's context has.
	elector := cli.Must(leader.New(s, cfg))
	host.Add("newsletter", leader.Only(elector, func() (hosted.Service, error) {
		return periodic.New(periodic.Config{Name: "newsletter", Schedule: periodic.Every(time.Second), RunAtStart: true}, send)
	}))

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/readyz", host.ReadyHandler())
	mux.Handle("/", dashboard.New(host, dashboard.Config{}))
	web := hosted.HTTP(&http.Server{Addr: opts.addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web)
	cli.Hello(host, func() string {
		return fmt.Sprintf("stands for election, pid %d, http://%v/services\n", os.Getpid(), web.Addr())
	})
	return host
}

// send would write the issue to a table, together with the fence, in a statement
// that refuses a lower fence than the table has seen: so a process that slept
// through the end of its term cannot send twice.
func send(ctx context.Context) error {
	fmt.Printf("sends the newsletter, as fence %d\n", leader.Fence(ctx))
	return nil
}
