// Command worker is a service without a page: it packs the files that others put
// into a folder, one compressed copy for each, and runs under systemd or in a
// container.
//
//	go run ./examples/worker
//
// Copy a file into the folder that it prints and look for the packed copy. Then
// try Ctrl-C, kill -HUP with -config, and the probes.
//
// The folder is the memory of this program: a file stays in it until its copy is
// complete. So nothing has to be saved at a stop, and after a crash the next start
// finds what is left.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle/systemd"
	"github.com/steadgo/stead/periodic"
)

// options are what the unit file and the container file set.
type options struct {
	dir, config, probes string
	shutdown            time.Duration
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", filepath.Join(os.TempDir(), "stead-worker"), "pack what is put into `folder`/in, into folder/out")
	flags.StringVar(&o.config, "config", "", "read settings from `file`, and again on SIGHUP: "+example)
	flags.StringVar(&o.probes, "probes", "127.0.0.1:8081", "answer /livez and /readyz on `host:port`")
	flags.DurationVar(&o.shutdown, "shutdown-timeout", 25*time.Second, "end within this `time` after a signal: less than what the supervisor waits")
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("worker: unknown argument %q", flags.Arg(0))
		fmt.Fprintln(flags.Output(), err)
	}
	return o, err
}

func main() {
	opts, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2)
	}
	dir, err := openSpool(opts.dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	dir.log = log
	host, probes := build(opts, dir, log)

	go func() {
		<-host.Lifetime().Started()
		fmt.Printf("\n  cp README.md %s/    to have it packed into %s\n  curl http://%s/readyz?verbose\n  Ctrl-C              stop, and read the report\n\n",
			filepath.Join(opts.dir, "in"), filepath.Join(opts.dir, "out"), probes.Addr())
	}()
	code := hosted.Exec(host)
	fmt.Print(host.Report())
	os.Exit(code)
}

// build is the whole program as a list, in the order of the start. The stop is in
// reverse: first nothing new is found, then the packers end.
func build(opts options, dir *spool, log *slog.Logger) (*hosted.Host, *hosted.HTTPService) {
	host := hosted.New(hosted.Config{Name: "worker", Logger: log, ShutdownTimeout: opts.shutdown})

	// These two come first and so go last: they tell the supervisor how the start
	// and the stop of all others are going. Without systemd the first does nothing.
	host.Add("systemd", systemd.New(host, systemd.Logger(log)))
	probes := host.Probes(opts.probes)
	host.Add("probes", probes)

	files := must(channelq.New(channelq.Config[string]{Name: "files", Capacity: 1000}))
	packers := must(channelq.NewWorkers(files, dir.pack, channelq.WorkerConfig[string]{
		Retry:      channelq.Retry{Attempts: 3, Initial: time.Second},
		OnGiveUp:   dir.setAside,
		OnLeftover: dir.leave,
		Logger:     log,
	}))
	scan := must(periodic.New(periodic.Config{
		Name: "scan", Schedule: periodic.Every(defaults.every()), RunAtStart: true, Logger: log,
	}, dir.findInto(files)))

	// The settings come before what they set: if the file is wrong, nothing starts.
	host.Add("settings", &settings{file: opts.config, packers: packers, scan: scan, log: log})
	host.Add("files", packers)
	host.Add("scan", scan)
	return host, probes
}

// must is for what can only fail because it was written wrongly above.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
