package main

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
)

type options struct {
	addr, store, notify string
	every, lease        time.Duration
}

func parse(args []string) (o options) {
	flags := flag.NewFlagSet("poller", flag.ExitOnError)
	cli.Addr(flags, &o.addr, "addr", "127.0.0.1:8080", "listen on `host:port`; port 0 takes a free one")
	flags.StringVar(&o.store, "store", os.Getenv("POLLER_STORE"),
		"the table is in sqlite:`FILE` or postgres://...; empty: a file in a temporary folder (POLLER_STORE)")
	flags.StringVar(&o.notify, "notify", "", "post what is due to this `URL`; empty: print it")
	cli.Duration(flags, &o.every, "every", time.Second, time.Millisecond, "look at the table this often")
	cli.Duration(flags, &o.lease, "lease", time.Minute, time.Second,
		"what a process has claimed is free again after this `time`, should it die")
	cli.Parse(flags, args, nil)
	o.store = cmp.Or(o.store, temporary())
	return o
}

// temporary names a file that stays when the program ends, so that it can be
// started again on it.
func temporary() string {
	dir, err := os.MkdirTemp("", "poller-")
	if err != nil {
		dir = "."
	}
	return "sqlite:" + filepath.Join(dir, "tasks.db")
}
