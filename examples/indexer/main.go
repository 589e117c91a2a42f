// Command indexer is a search page over the Markdown files of a folder: of the
// current one, unless -dir says otherwise.
//
//	go run ./examples/indexer
//
// Open the address that it prints, change a file, and search again.
//
// The parts:
//
//	sync.go    copies what has changed in the folder into a table, every second
//	index.go   a full-text index of that table, which waits for the first sync
//	search.go  the page, which waits for the index
//
// They start side by side. Who needs another one says so at the moment when it
// needs it, by the coordinator: until then it can do what it needs nobody for.
// The page is there at once, but /readyz is 503 until a search would find
// everything.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver, in Go; FTS5 is in it

	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

func main() {
	var dir, addr, file string
	flags := flag.NewFlagSet("indexer", flag.ExitOnError)
	flags.StringVar(&dir, "dir", ".", "index the Markdown files in this `folder`")
	cli.Addr(flags, &addr, "addr", "127.0.0.1:8081", "listen on `host:port`; port 0 takes a free one")
	flags.StringVar(&file, "db", "", "keep the index in this SQLite `file`; empty: a temporary one")
	cli.Parse(flags, os.Args[1:], func() error { return cli.IsFolder("dir", dir) })
	code, err := run(dir, addr, file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "indexer:", err)
		code = 1
	}
	os.Exit(code) // deferred calls are in run, because this does not wait for them
}

func run(dir, addr, file string) (code int, err error) {
	if file == "" {
		temporary, err := os.MkdirTemp("", "indexer-")
		if err != nil {
			return 0, err
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		file = filepath.Join(temporary, "index.db")
	}
	db, err := openDB(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()

	host := newHost(os.DirFS(dir), addr, db, cli.Log(slog.LevelInfo))
	code = cli.Exec(host, "addr")
	fmt.Print(host.Report())
	return code, nil
}

// newHost wires the parts.
func newHost(files fs.FS, addr string, db *sql.DB, log *slog.Logger) *hosted.Host {
	host := hosted.New(hosted.Config{
		Name: "indexer", Logger: log, ShutdownTimeout: 8 * time.Second,
		// Side by side. One after the other the index could not wait for a service
		// that starts after it, and the page would not be there before the index.
		StartConcurrency: 4,
	})
	// A channel of one: that there is news is true or not, however often it is said.
	news := make(chan struct{}, 1)

	// A sync that fails is retried. Meanwhile the index is old but there, and
	// a search that finds yesterday's text is better than none: not critical.
	s := &syncer{files: files, db: db, news: news}
	host.Go("sync", s.run, hosted.WaitReady(), hosted.NotCritical(),
		hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Max: time.Minute})))

	x := &index{db: db, news: news, log: log}
	host.Go("index", x.run, hosted.WaitReady())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", showForm)
	mux.Handle("GET /search", needsIndex(x.serveSearch))
	mux.Handle("GET /livez", host.LiveHandler())
	mux.Handle("GET /readyz", host.ReadyHandler())
	web := hosted.HTTP(&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
	host.Add("http", web)

	// After says the same as a wait at the very beginning: start this when http is
	// there. That is all it needs, so it need not be done by hand.
	host.Task("hello", func(context.Context) error {
		fmt.Printf("\n  http://%[1]s/           search\n  http://%[1]s/readyz     503 until the index is there\n"+
			"  Ctrl-C                          stop, and read the report\n\n", web.Addr())
		return nil
	}, hosted.After("http"))
	return host
}
