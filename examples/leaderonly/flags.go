package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
)

type options struct {
	store, name, addr string
	ttl, kill         time.Duration
	shutdown          time.Duration
}

func parse(args []string) (o options) {
	flags := flag.NewFlagSet("leaderonly", flag.ExitOnError)
	flags.StringVar(&o.store, "store", "", "where the lease is kept, `redis://... or postgres://...`; without it three processes are started beside a Redis in memory")
	flags.StringVar(&o.name, "name", fmt.Sprint("process ", os.Getpid()), "what this candidate is called in the store")
	cli.Addr(flags, &o.addr, "addr", "127.0.0.1:0", "where the page and the metrics of this process are, `host:port`; port 0 takes a free one")
	cli.Duration(flags, &o.ttl, "ttl", 5*time.Second, 100*time.Millisecond, "how long the lead lasts that nobody renews")
	cli.Duration(flags, &o.kill, "kill", 15*time.Second, 0, "without -store: how often the leader is killed; 0: never")
	cli.Duration(flags, &o.shutdown, "shutdown-timeout", 10*time.Second, time.Millisecond, "end within this `time` after a signal")
	cli.Parse(flags, args, nil)
	return o
}
