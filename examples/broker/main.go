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
// The order of the services is what makes a clean stop: first nothing new is
// taken, then what was taken is handled and acknowledged, and then the connection
// closes over which that goes.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

type config struct {
	addr, url, dir string
	inFlight       int           // messages that are here and not acknowledged
	ackWait        time.Duration // after which the broker delivers again
	packing        time.Duration // that an order takes
	shutdown       time.Duration // for the whole stop
}

func main() {
	var cfg config
	flag.StringVar(&cfg.addr, "addr", "127.0.0.1:8082", "listen on `host:port`; port 0 takes a free one")
	flag.StringVar(&cfg.url, "nats", "", "use the broker at this `URL`; empty: one inside the program")
	flag.StringVar(&cfg.dir, "dir", "", "keep messages and shipped orders in this `folder`; empty: a temporary one")
	flag.IntVar(&cfg.inFlight, "in-flight", 8, "hold at most this `number` of messages that are not acknowledged")
	flag.DurationVar(&cfg.ackWait, "ack-wait", 10*time.Second, "let the broker deliver again after this `time`")
	flag.DurationVar(&cfg.packing, "packing", 300*time.Millisecond, "let an order take this `time`")
	flag.DurationVar(&cfg.shutdown, "shutdown-timeout", 8*time.Second, "end within this `time` after the first signal")
	flag.Parse()
	code, err := run(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "broker:", err)
		code = 1
	}
	os.Exit(code) // deferred calls are in run, because this does not wait for them
}

func run(cfg config) (code int, err error) {
	if cfg.inFlight < 1 {
		return 0, fmt.Errorf("-in-flight is %d: it has to be 1 or more", cfg.inFlight)
	}
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

	host := newHost(cfg, db, slog.Default())
	code = hosted.Exec(host)
	fmt.Println(host.Report())
	return code, nil
}

// newHost wires the parts. They stop in reverse.
func newHost(cfg config, db *sql.DB, log *slog.Logger) *hosted.Host {
	host := hosted.New(hosted.Config{Name: "broker", Logger: log, ShutdownTimeout: cfg.shutdown})

	// Last to stop: acknowledgements need it. A broker that is away makes the
	// program unready; the client connects again by itself.
	b := &broker{cfg: cfg, log: log}
	host.Add("nats", b, hosted.Health(b.connected))

	// Room for all that can be in flight, which the broker's lanes bound.
	s := &shipping{db: db, packing: cfg.packing, publish: b.publish}
	orders := must(channelq.New(channelq.Config[*message.Message]{Name: "orders", Capacity: cfg.inFlight}))
	workers := must(channelq.NewWorkers(orders, s.handle, channelq.WorkerConfig[*message.Message]{
		Concurrency: cfg.inFlight,
		Retry:       channelq.Retry{Attempts: 3, Initial: 100 * time.Millisecond}, // well within ackWait
		OnGiveUp:    s.giveUp,
		OnLeftover:  giveBack,
		Logger:      log,
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
	host.Task("hello", func(context.Context) error {
		fmt.Printf("\n  curl -d 'a tent' http://%[1]s/orders    order something\n"+
			"  curl http://%[1]s/orders                see what was shipped\n"+
			"  Ctrl-C                                          stop, and read the report\n\n", web.Addr())
		return nil
	})
	return host
}

// must is for what can only fail because it was written wrongly above.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
