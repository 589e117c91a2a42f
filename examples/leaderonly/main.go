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
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/postgres"
	"github.com/steadgo/stead/leader/redis"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

const group = "newsletter"

func main() {
	store := flag.String("store", "", "where the lease is kept, `redis://... or postgres://...`; without it three processes are started beside a Redis in memory")
	name := flag.String("name", fmt.Sprint("process ", os.Getpid()), "what this candidate is called in the store")
	addr := flag.String("addr", "127.0.0.1:0", "where the page and the metrics of this process are")
	ttl := flag.Duration("ttl", 5*time.Second, "how long the lead lasts that nobody renews")
	kill := flag.Duration("kill", 15*time.Second, "without -store: how often the leader is killed; 0: never")
	flag.Parse()
	if *ttl < 100*time.Millisecond || *kill < 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "leaderonly: -ttl is at least 100ms, -kill not negative, and there is nothing after the flags")
		os.Exit(2)
	}
	if *store == "" {
		os.Exit(hosted.Exec(newStage(*ttl, *kill)))
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	leases, closer, err := open(*store)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	host := candidate(leases, leader.Config{Group: group, Name: *name, TTL: *ttl, Logger: log}, *addr)
	code := hosted.Exec(host)
	_ = closer.Close() // nothing needs it any more
	os.Exit(code)
}

// store is a leader.Store that may have something to do before its first use.
type store struct {
	leader.Store
	prepare func(ctx context.Context) error
}

func open(url string) (store, io.Closer, error) {
	nothing := func(context.Context) error { return nil }
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "redis", "rediss":
		s, err := redis.Open(url)
		return store{s, nothing}, s, err
	case "postgres", "postgresql":
		s, err := postgres.Open(context.Background(), url)
		if err != nil {
			return store{}, nil, err
		}
		return store{s, s.Migrate}, s, nil
	default:
		return store{}, nil, errors.New("-store needs a URL that begins with redis:// or postgres://")
	}
}

// candidate is a program with a newsletter that only one of all processes sends.
func candidate(s store, cfg leader.Config, addr string) *hosted.Host {
	host := hosted.New(hosted.Config{Name: cfg.Name, ShutdownTimeout: 10 * time.Second})
	host.Task("migrate", s.prepare)

	// A new job for every term, with the fence that Start's context has.
	elector := must(leader.New(s, cfg))
	host.Add("newsletter", leader.Only(elector, func() (hosted.Service, error) {
		return periodic.New(periodic.Config{Name: "newsletter", Schedule: periodic.Every(time.Second), RunAtStart: true}, send)
	}))

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/readyz", host.ReadyHandler())
	mux.Handle("/", dashboard.New(host, dashboard.Config{}))
	web := hosted.HTTP(&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web)
	go func() {
		<-host.Lifetime().Started()
		if a := web.Addr(); a != nil {
			fmt.Printf("stands for election, pid %d, http://%v/services\n", os.Getpid(), a)
		}
	}()
	return host
}

// send would write the issue to a table, together with the fence, in a statement
// that refuses a lower fence than the table has seen: so a process that slept
// through the end of its term cannot send twice.
func send(ctx context.Context) error {
	fmt.Printf("sends the newsletter, as fence %d\n", leader.Fence(ctx))
	return nil
}

// must is for what can only fail because it was written wrongly above.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
