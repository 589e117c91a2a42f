package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
)

type options struct {
	addr, sink, unsent string
	shutdown           time.Duration
}

func parse(args []string) (o options) {
	flags := flag.NewFlagSet("analytics", flag.ExitOnError)
	cli.Addr(flags, &o.addr, "addr", "127.0.0.1:8080", "listen on `host:port`; port 0 takes a free one")
	flags.StringVar(&o.sink, "sink", "", "post batches to `URL` instead of the built-in sink")
	flags.StringVar(&o.unsent, "unsent", filepath.Join(os.TempDir(), "analytics-unsent.jsonl"),
		"append what a stop leaves unsent to `file`, and what the sink refuses to file.refused")
	cli.Duration(flags, &o.shutdown, "shutdown-timeout", 25*time.Second, time.Millisecond, "end within this `time` after a signal")
	cli.Parse(flags, args, o.check)
	return o
}

func (o *options) check() error {
	if u, err := url.Parse(o.sink); o.sink != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("-sink: %q is not an address like https://example.com/batches", o.sink)
	}
	// Now, because at the stop it would be too late to say so.
	for _, name := range []string{o.unsent, o.unsent + ".refused"} {
		if err := writable(name); err != nil {
			return fmt.Errorf("-unsent: %w", err)
		}
	}
	return nil
}

// writable leaves no file behind that was not there.
func writable(name string) error {
	_, err := os.Stat(name)
	isNew := errors.Is(err, fs.ErrNotExist)
	f, err := appendTo(name)
	if err != nil {
		return err
	}
	err = f.Close()
	if isNew {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
