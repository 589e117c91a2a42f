package main

import (
	"flag"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
)

type config struct {
	addr, url, dir string
	inFlight       int           // messages that are here and not acknowledged
	ackWait        time.Duration // after which the broker delivers again
	packing        time.Duration // that an order takes
	shutdown       time.Duration // for the whole stop
}

func parse(args []string) (cfg config) {
	flags := flag.NewFlagSet("broker", flag.ExitOnError)
	cli.Addr(flags, &cfg.addr, "addr", "127.0.0.1:8082", "listen on `host:port`; port 0 takes a free one")
	flags.StringVar(&cfg.url, "nats", "", "use the broker at this `URL`; empty: one inside the program")
	flags.StringVar(&cfg.dir, "dir", "", "keep messages and shipped orders in this `folder`; empty: a temporary one")
	cli.Int(flags, &cfg.inFlight, "in-flight", 8, 1, 1000, "hold at most this `number` of messages that are not acknowledged")
	cli.Duration(flags, &cfg.ackWait, "ack-wait", 10*time.Second, time.Millisecond, "let the broker deliver again after this `time`")
	cli.Duration(flags, &cfg.packing, "packing", 300*time.Millisecond, 0, "let an order take this `time`")
	cli.Duration(flags, &cfg.shutdown, "shutdown-timeout", 8*time.Second, time.Millisecond, "end within this `time` after the first signal")
	cli.Parse(flags, args, func() error {
		if u, err := url.Parse(cfg.url); cfg.url != "" && (err != nil || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme)) {
			return fmt.Errorf("-nats: %q is not a URL like nats://broker:4222", cfg.url)
		}
		return nil
	})
	return cfg
}
