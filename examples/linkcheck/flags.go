package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
)

type options struct {
	once      bool
	every     time.Duration
	perSecond float64
	parallel  int
	starts    []string
}

func parse(args []string) (o options) {
	flags := flag.NewFlagSet("linkcheck", flag.ExitOnError)
	flags.BoolVar(&o.once, "once", false, "walk once; exit with 1 if a link is broken, with 2 if the walk was cut short")
	cli.Duration(flags, &o.every, "every", time.Minute, time.Millisecond, "begin a walk each `time`, unless the last one is still on")
	flags.Float64Var(&o.perSecond, "rate", 20, "make at most this `number` of requests a second; 0: no limit")
	cli.Int(flags, &o.parallel, "parallel", 4, 1, 1000, "make at most this `number` of requests at a time")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: linkcheck [flags] [address ...]")
		flags.PrintDefaults()
	}
	_ = flags.Parse(args) // it has ended the program if it fails
	o.starts = flags.Args()
	if err := o.check(); err != nil {
		fmt.Fprintln(flags.Output(), "linkcheck:", err)
		os.Exit(2)
	}
	return o
}

func (o *options) check() error {
	if !(o.perSecond >= 0) { // NaN is not either
		return errors.New("-rate is not negative")
	}
	for _, address := range o.starts {
		if u, err := url.Parse(address); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("%q is not an address like https://example.com/", address)
		}
	}
	return nil
}
