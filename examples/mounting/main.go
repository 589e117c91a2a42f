// Command mounting has a queue behind a router of your choice, with probes and the
// dashboard below a prefix, and a gRPC server beside it. docs/mounting.md explains it.
//
//	go run ./examples/mounting -router chi
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

// parts are what every router mounts.
type parts struct {
	signUp      http.HandlerFunc
	live, ready http.Handler
	page        http.Handler // the dashboard
}

var routers = map[string]func(parts) http.Handler{"net/http": mux, "chi": chiRouter, "echo": echoRouter, "gin": ginRouter}

func main() {
	addr := flag.String("addr", "localhost:8080", "address of the site")
	grpcAddr := flag.String("grpc", "localhost:9090", "address of the gRPC server")
	name := flag.String("router", "net/http", "net/http, chi, echo or gin")
	flag.Parse()
	router, ok := routers[*name]
	if !ok {
		fmt.Fprintln(os.Stderr, "mounting: unknown router", *name)
		os.Exit(2)
	}

	emails := cli.Must(channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100}))
	senders := cli.Must(channelq.NewWorkers(emails, send, channelq.WorkerConfig[string]{}))
	host := hosted.New(hosted.Config{Logger: slog.Default()})
	handler := router(parts{
		signUp: func(w http.ResponseWriter, r *http.Request) {
			if err := emails.TryEnqueue(r.FormValue("email")); err != nil {
				http.Error(w, "try again later", http.StatusTooManyRequests)
			}
		},
		live: host.LiveHandler(), ready: host.ReadyHandler(),
		page: dashboard.New(host, dashboard.Config{}),
	})

	host.Add("emails", senders) // before the servers that enqueue
	host.Add("grpc", newGRPC(*grpcAddr))
	host.Add("site", hosted.HTTP(&http.Server{Addr: *addr, Handler: handler, ReadHeaderTimeout: 5 * time.Second}))
	hosted.Main(host)
}

func send(_ context.Context, to string) error {
	fmt.Println("welcome,", to)
	return nil
}
