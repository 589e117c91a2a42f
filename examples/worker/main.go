// Command worker is a service without a page: it packs the files that others put
// into a folder, one compressed copy for each, and runs under systemd or in a
// container.
//
//	go run ./examples/worker
//
// Copy a file into the folder that it prints and look for the packed copy. Then
// try Ctrl-C, kill -HUP with -config, and the probes.
//
// The parts:
//
//	main.go      what is started, in which order
//	spool.go     the folder: finds files, packs them, sets aside what cannot be packed
//	settings.go  a settings file that SIGHUP reads again
//	worker.service, Containerfile
//
// The folder is the memory of this program: a file stays in it until its copy is
// complete. So nothing has to be saved at a stop, and after a crash the next start
// finds what is left.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle/systemd"
	"github.com/steadgo/stead/periodic"
)

func main() {
	opts := parse(os.Args[1:])
	dir, err := openSpool(opts.dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	log := cli.Log(slog.LevelInfo)
	dir.log = log
	host, probes := build(opts, dir, log)

	cli.Hello(host, func() string {
		return fmt.Sprintf(hello, filepath.Join(opts.dir, "in"), filepath.Join(opts.dir, "out"), probes.Addr())
	})
	code := cli.Exec(host, "probes")
	fmt.Print(host.Report())
	os.Exit(code)
}

const hello = `
  cp README.md %[1]s/    to have it packed into %[2]s
  curl 'http://%[3]s/readyz?verbose'
  Ctrl-C              stop, and read the report

`

// build is the whole program as a list, in the order of the start. The stop is in
// reverse: first nothing new is found, then the packers end.
func build(opts options, dir *spool, log *slog.Logger) (*hosted.Host, *hosted.HTTPService) {
	host := hosted.New(hosted.Config{Name: "worker", Logger: log, ShutdownTimeout: opts.shutdown})

	// These two come first and so go last: they tell the supervisor how the start
	// and the stop of all others are going. Without systemd the first does nothing.
	host.Add("systemd", systemd.New(host))
	probes := host.Probes(opts.probes)
	host.Add("probes", probes)

	files := cli.Must(channelq.New(channelq.Config[string]{Name: "files", Capacity: 1000}))
	packers := cli.Must(channelq.NewWorkers(files, dir.pack, channelq.WorkerConfig[string]{
		Retry:      channelq.Retry{Attempts: 3, Initial: time.Second},
		OnGiveUp:   dir.setAside,
		OnLeftover: dir.leave,
	}))
	scan := cli.Must(periodic.New(periodic.Config{
		Name: "scan", Schedule: periodic.Every(defaults.every()), RunAtStart: true,
	}, dir.findInto(files)))

	// The settings come before what they set: if the file is wrong, nothing starts.
	host.Add("settings", &settings{file: opts.config, packers: packers, scan: scan, log: log})
	host.Add("files", packers)
	host.Add("scan", scan)
	return host, probes
}
