// Command filewatch keeps the Markdown files of a folder in a SQLite table, while
// people edit, rename and delete them.
//
//	go run ./examples/filewatch
//
// Without -dir it makes a folder with a few notes and says what to try with them.
//
// The parts, in the order in which data flows:
//
//	watch.go   a loop: what the file system reports goes into a queue, and at the
//	           start every file does, so that nothing is missed while it was down
//	main.go    a Batcher behind the queue: an editor writes a file several times
//	           in a moment, and it is read once
//	notes.go   one transaction per file: a note and its tags change together
//
// At a stop the loop ends first and the Batcher then works off what is queued.
package main

import (
	"cmp"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

//go:embed sample
var sample embed.FS

func main() {
	var dir string
	flags := flag.NewFlagSet("filewatch", flag.ExitOnError)
	flags.StringVar(&dir, "dir", "", "watch this `folder`; empty: a temporary one with a few notes, removed at the end")
	cli.Parse(flags, os.Args[1:], func() error { return cli.IsFolder("dir", cmp.Or(dir, ".")) })
	// Everything that has to be tidied up is in run, because os.Exit does not wait
	// for deferred calls.
	code, err := run(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "filewatch:", err)
		code = 1
	}
	os.Exit(code)
}

func run(dir string) (code int, err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "filewatch-"); err != nil {
			return 0, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := os.CopyFS(dir, cli.Must(fs.Sub(sample, "sample"))); err != nil {
			return 0, err
		}
	}
	dir = filepath.Clean(dir) // as the events have it
	notes, err := openNotes(filepath.Join(dir, ".notes.db"), dir, os.Stdout)
	if err != nil {
		return 0, err
	}
	defer func() { _ = notes.db.Close() }()

	fmt.Printf(`
  Watching %[1]s. In another terminal:

    echo 'Call the plumber #phone' >> %[1]s/todo.md
    mv %[1]s/todo.md %[1]s/done.md
    rm -r %[1]s/ideas

  Ctrl-C stops, and prints the report.

`, dir)
	host := newHost(notes, cli.Log(slog.LevelInfo))
	code = hosted.Exec(host)
	fmt.Print(host.Report())
	return code, nil
}

// newHost wires the parts.
func newHost(n *notes, log *slog.Logger) *hosted.Host {
	host := hosted.New(hosted.Config{Name: "filewatch", Logger: log, ShutdownTimeout: 8 * time.Second})

	// When the queue is full the watcher waits, and the kernel keeps the events.
	// If that runs out of room too it says so, and the watcher looks at
	// everything again.
	changes := cli.Must(channelq.New(channelq.Config[string]{Name: "changes", Capacity: 1000}))

	// A batch is what came within 200 ms of the first change. Unlike a timer that
	// restarts with each event, this is not put off for ever by a file that is
	// written all the time.
	syncer := cli.Must(channelq.NewBatcher(changes, n.syncAll, channelq.BatchConfig[string]{
		MaxItems: 1000,
		MaxWait:  200 * time.Millisecond,
		Retry:    channelq.Retry{Attempts: 5, Initial: 200 * time.Millisecond},
	}))
	host.Add("changes", syncer)

	// The producer comes after its consumer and so ends before it.
	w := &watcher{dir: n.dir, stored: n.paths, changes: changes, log: log}
	host.Go("watch", w.run, hosted.WaitReady())
	return host
}
