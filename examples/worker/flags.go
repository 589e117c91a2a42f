package main

import (
	"flag"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
)

// options are what the unit file and the container file set.
type options struct {
	dir, config, probes string
	shutdown            time.Duration
}

func parse(args []string) (o options) {
	flags := flag.NewFlagSet("worker", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", filepath.Join(os.TempDir(), "stead-worker"), "pack what is put into `folder`/in, into folder/out")
	flags.StringVar(&o.config, "config", "", "read settings from `file`, and again on SIGHUP: "+example)
	cli.Addr(flags, &o.probes, "probes", "127.0.0.1:8081", "answer /livez and /readyz on `host:port`; port 0 takes a free one")
	cli.Duration(flags, &o.shutdown, "shutdown-timeout", 25*time.Second, time.Millisecond,
		"end within this `time` after a signal: less than what the supervisor waits")
	cli.Parse(flags, args, nil)
	return o
}
