// Command broker ships the orders that come through a message broker: NATS
// JetStream, by way of Watermill.
//
//	go run ./examples/broker
//	go run ./examples/broker -dir /tmp/orders     kept, to kill it and start it again
//	go run ./examples/broker -nats nats://HOST    a broker of your own
//
// Without -nats the broker runs inside the program, and made-up customers order
// something twice a second.
//
// A message is acknowledged when it has been handled, and not before. Until then
// the broker has it: what was in the hands of a process that died is delivered
// again, to the next one. It may have been handled just before, so a delivery is
// never the only one, and the handler does not mind (ship.go).
//
// The parts:
//
//	main.go    what is started, in which order
//	nats.go    the connection to the broker, as a service
//	orders.go  who publishes orders
//	ship.go    receives them, handles, acknowledges
//
// The order of the services is what makes a clean stop: first nothing new is
// taken, then what was taken is handled and acknowledged, and then the connection
// closes over which that goes.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

func main() {
	code, err := run(parse(os.Args[1:]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "broker:", err)
		code = 1
	}
	os.Exit(code) // deferred calls are in run, because this does not wait for them
}

func run(cfg config) (code int, err error) {
	if cfg.dir == "" {
		if cfg.dir, err = os.MkdirTemp("", "broker-"); err != nil {
			return 0, err
		}
		defer func() { _ = os.RemoveAll(cfg.dir) }()
	}
	db, err := openDB(cfg.dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()

	host := newHost(cfg, db, cli.Log(slog.LevelInfo))
	code = cli.Exec(host, "addr")
	fmt.Print(host.Report())
	return code, nil
}

const hello = `
  curl -d 'a tent' http://%[1]s/orders    order something
  curl http://%[1]s/orders                see what was shipped
  Ctrl-C                                          stop, and read the report

`

// newHost wires the parts. They stop in reverse.
func newHost(cfg config, db *sql.DB, log *slog.Logger) *hosted.Host {
	host := hosted.New(hosted.Config{Name: "broker", Logger: log, ShutdownTimeout: cfg.shutdown})

	// Last to stop: acknowledgements need it. An unreachable broker makes the
	// program unready; the client reconnects by itself.
	b := &broker{cfg: cfg, log: log}
	host.Add("nats", b, hosted.Health(b.connected))

	// Room for all that can be in flight, which the broker's lanes bound.
	s := &shipping{db: db, packing: cfg.packing, publish: b.publish}
	orders := cli.Must(channelq.New(channelq.Config[*message.Message]{Name: "orders", Capacity: cfg.inFlight}))
	workers := cli.Must(channelq.NewWorkers(orders, s.handle, channelq.WorkerConfig[*message.Message]{
		Concurrency: cfg.inFlight,
		Retry:       channelq.Retry{Attempts: 3, Initial: 100 * time.Millisecond}, // well within ackWait
		OnGiveUp:    s.giveUp,
		OnLeftover:  giveBack,
	}))
	host.Add("orders", workers)

	host.Go("receive", func(ctx context.Context) error { return receive(ctx, b.lanes, orders) })

	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", b.takeOrder)
	mux.HandleFunc("GET /orders", s.list)
	mux.Handle("GET /livez", host.LiveHandler())
	mux.Handle("GET /readyz", host.ReadyHandler())
	web := hosted.HTTP(&http.Server{Addr: cfg.addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web)
	if cfg.url == "" {
		host.Go("customers", b.madeUpCustomers)
	}
	cli.Hello(host, func() string { return fmt.Sprintf(hello, web.Addr()) })
	return host
}
