// Command analytics takes events over HTTP and passes them on to another service
// in batches, even if that service is down for a while.
//
//	go run ./examples/analytics
//
// Without -sink it has a sink of its own, which is down every few seconds, and
// visitors of its own: watch the batches stop and come again. Ctrl-C stops it and
// prints the report.
//
// The parts, in the order in which data flows:
//
//	endpoint.go  takes events into a queue
//	main.go      a Batcher behind the queue
//	sender.go    posts a batch, through a circuit breaker
//	unsent.go    the file for what the sink does not take
//	builtin.go   a sink and visitors, to have something to look at
//
// An event that was answered with 202 is in memory: it reaches the sink at least
// once, or a file at the stop. A crash loses it. Events that must survive one
// belong in a queue that is stored on disk before the answer; see package durable.
package main

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

func main() {
	opts := parse(os.Args[1:])
	log := cli.Log(slog.LevelInfo)
	host := hosted.New(hosted.Config{Name: "analytics", Logger: log, ShutdownTimeout: opts.shutdown})

	sinkURL := func() string { return opts.sink }
	if opts.sink == "" {
		sink := hosted.HTTP(builtInSink())
		host.Add("sink", sink)
		sinkURL = func() string { return "http://" + sink.Addr().String() } // known once it runs
	}

	// Who reports an event does not wait for the sink. When it has been down for so
	// long that the queue is full, they are told to come back.
	events := cli.Must(channelq.New(channelq.Config[event]{Name: "events", Capacity: 10_000, OnFull: channelq.Reject}))
	batcher := cli.Must(newBatcher(events, newSender(sinkURL, log), opts.unsent))
	host.Add("events", batcher)
	if opts.sink == "" {
		host.Go("visitors", visitors(events))
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	mux := http.NewServeMux()
	mux.Handle("POST /events", &endpoint{events})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/admin/", http.StripPrefix("/admin", dashboard.New(host, dashboard.Config{})))
	mux.Handle("GET /readyz", host.ReadyHandler())
	web := hosted.HTTP(&http.Server{Addr: opts.addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web) // last, and so the first to stop

	cli.Hello(host, func() string { return fmt.Sprintf(hello, web.Addr()) })
	code := cli.Exec(host, "addr")
	fmt.Print(host.Report())
	if n := batcher.Leftover(); n > 0 {
		fmt.Printf("%d events are in %s: move it, and post it to /events with curl --data-binary @file\n", n, opts.unsent)
	}
	os.Exit(code)
}

const hello = `
  curl -d '{"page": "/tents"}' http://%[1]s/events
  http://%[1]s/admin/    see the queue grow while the sink is down
  Ctrl-C                         stop, and read the report

`

func newBatcher(events *channelq.Queue[event], to *sender, unsent string) (*channelq.Batcher[event], error) {
	left, refused := &file{name: unsent}, &file{name: unsent + ".refused"}
	return channelq.NewBatcher(events, to.send, channelq.BatchConfig[event]{
		MaxItems: 100,
		MaxWait:  time.Second,
		// A sink that is down is no reason to give an event up, however long it
		// takes. What the sink refuses is permanent, and goes to OnGiveUp at once.
		Retry:      channelq.Retry{Attempts: math.MaxInt, Initial: 200 * time.Millisecond, Max: 5 * time.Second},
		OnGiveUp:   refused.giveUp,
		OnLeftover: left.keep,
	})
}
