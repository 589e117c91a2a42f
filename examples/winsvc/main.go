// Command winsvc is a program that Windows runs as a service, and that runs on a
// terminal anywhere.
//
//	go build -o shop.exe ./examples/winsvc
//	shop.exe install     as an administrator; then: sc.exe start stead-example
//	shop.exe remove
//
// Under the service manager the log is in the event viewer, under Windows Logs,
// Application.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle/winsvc"
)

// serviceName is the service's in the service manager, and its source in the event
// log.
const serviceName = "stead-example"

// budget is less than the 30 s that install asks Windows for.
const budget = 25 * time.Second

func main() {
	var err error
	switch command := append(os.Args, "")[1]; command {
	case "":
		serve()
	case "install":
		err = install()
	case "remove":
		err = remove()
	default:
		err = fmt.Errorf("unknown command %q: install, remove, or none to serve", command)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func serve() {
	addr := os.Getenv("ADDR")
	if addr == "" {
		addr = "127.0.0.1:8080"
	}
	orders := cli.Must(channelq.New(channelq.Config[string]{Name: "orders", Capacity: 100}))
	packers := cli.Must(channelq.NewWorkers(orders, func(_ context.Context, order string) error {
		fmt.Println("packed", order)
		return nil
	}, channelq.WorkerConfig[string]{}))

	// Without a Logger the host logs to the event log, see winsvc.EventLog. On a
	// terminal there is none, so it logs there.
	config := hosted.Config{Name: serviceName, ShutdownTimeout: budget}
	if !winsvc.IsService() {
		config.Logger = slog.Default()
	}
	host := hosted.New(config)
	host.Add("orders", packers)
	host.Add("site", hosted.HTTP(&http.Server{
		Addr: addr, ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := orders.TryEnqueue(r.FormValue("order")); err != nil {
				http.Error(w, "try again later", http.StatusTooManyRequests)
			}
		}),
	}))
	winsvc.Main(host, winsvc.EventLog(serviceName))
}
