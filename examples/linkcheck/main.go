// Command linkcheck walks through web sites, again and again, and lists the links
// that lead nowhere.
//
//	go run ./examples/linkcheck                              a small site of its own, with broken links
//	go run ./examples/linkcheck -once https://example.com/   one walk; exit code 1 if a link is broken
//
// The parts:
//
//	main.go    a job that walks, or one walk
//	walk.go    the walk, and the workers that ask for each link
//	page.go    finds the links of a page
//	result.go, progress.go, flags.go, site.go   what people see, and a site to try it on
//
// It reads the pages of the hosts that it is given. What they link to elsewhere is
// asked for and not read. It does not look at robots.txt: check sites of your own.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

func main() {
	opts := parse(os.Args[1:])
	log := cli.Log(slog.LevelWarn)
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

	job := cli.Must(periodic.New(periodic.Config{
		Name: "walk", Schedule: periodic.Every(opts.every), RunAtStart: true,
	}, func(ctx context.Context) error {
		_, err := walk(ctx)
		return err
	}))
	// At a stop a job may finish its current run. A walk can take an hour, so it
	// gets a moment, and then its context is canceled.
	host.Add("walk", job, hosted.StopTimeout(3*time.Second))
	cli.Hello(host, func() string { return fmt.Sprintf(hello, strings.Join(starts(), " "), opts.every) })
	code := hosted.Exec(host)
	fmt.Print(host.Report())
	os.Exit(code)
}

const hello = `
  Walks from %[1]v now, and then every %[2]v. To walk once, through a site of yours:

    go run ./examples/linkcheck -once https://example.com/

  Ctrl-C stops, and prints the report.

`

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
