// Command linkcheck walks through web sites, again and again, and lists the links
// that lead nowhere.
//
//	go run ./examples/linkcheck                              a small site of its own, with broken links
//	go run ./examples/linkcheck -once https://example.com/   one walk; exit code 1 if a link is broken
//
// It reads the pages of the hosts that it is given. What they link to elsewhere is
// asked for and not read. It does not look at robots.txt: check sites of your own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

type options struct {
	once      bool
	every     time.Duration
	perSecond float64
	parallel  int
	starts    []string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("linkcheck", flag.ContinueOnError)
	flags.BoolVar(&o.once, "once", false, "walk once; exit with 1 if a link is broken, with 2 if the walk was cut short")
	flags.DurationVar(&o.every, "every", time.Minute, "begin a walk each `time`, unless the last one is still on")
	flags.Float64Var(&o.perSecond, "rate", 20, "make at most this `number` of requests a second; 0: no limit")
	flags.IntVar(&o.parallel, "parallel", 4, "make at most this `number` of requests at a time")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: linkcheck [flags] [address ...]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.starts = flags.Args()
	err := o.check()
	if err != nil {
		fmt.Fprintln(flags.Output(), "linkcheck:", err)
	}
	return o, err
}

func (o options) check() error {
	if o.every < time.Millisecond || !(o.perSecond >= 0) || o.parallel < 1 || o.parallel > 1000 {
		return errors.New("-every must be at least a millisecond, -parallel from 1 to 1000, and -rate not negative")
	}
	for _, address := range o.starts {
		if u, err := url.Parse(address); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("%q is not an address like https://example.com/", address)
		}
	}
	return nil
}

func main() {
	opts, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	host := hosted.New(hosted.Config{Name: "linkcheck", Logger: log, ShutdownTimeout: 5 * time.Second})

	// Without an address it walks through a site of its own, whose port is known
	// once that has started. So the walk asks where to start, each time.
	starts, needs := func() []string { return opts.starts }, []string{"links"}
	if len(opts.starts) == 0 {
		site := hosted.HTTP(brokenSite())
		host.Add("site", site)
		starts, needs = func() []string { return []string{"http://" + site.Addr().String() + "/"} }, []string{"site", "links"}
	}
	walker := newWalker(opts.parallel, opts.perSecond)
	host.Add("links", walker.checkers)

	walk := func(ctx context.Context) (broken int, err error) {
		result, err := walker.walk(ctx, starts(), newProgress(os.Stderr))
		if err == nil {
			fmt.Print(result)
		}
		return len(result.broken), err
	}
	if opts.once {
		os.Exit(once(host, walk, needs))
	}

	job := must(periodic.New(periodic.Config{
		Name: "walk", Schedule: periodic.Every(opts.every), RunAtStart: true, Logger: log,
	}, func(ctx context.Context) error {
		_, err := walk(ctx)
		return err
	}))
	// At a stop a job may finish the run that is on. A walk can take an hour, so it
	// gets a moment, and then its context ends.
	host.Add("walk", job, hosted.StopTimeout(500*time.Millisecond))
	code := hosted.Exec(host)
	fmt.Print(host.Report())
	os.Exit(code)
}

// once starts what the walk needs, walks, and stops it again: no schedule, and no
// waiting for a signal, though one ends it early.
func once(host *hosted.Host, walk func(context.Context) (int, error), needs []string) int {
	ctx, release := lifecycle.SignalContext(context.Background())
	defer release()
	broken := 0
	err := host.RunTask(ctx, func(ctx context.Context) (err error) {
		broken, err = walk(ctx)
		return err
	}, needs...)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2
	case broken > 0:
		return 1
	}
	return 0
}

// must is for what can only fail because it was written wrongly above.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
