// Command demo is a program with a bit of everything to look at: queues that
// work, fail, retry, fill up and rest, schedules that run, fail and take long,
// and services that restart.
//
//	go run ./dashboard/internal/demo
//	open http://localhost:8080/admin/
//
// Ctrl-C begins a stop that takes a few seconds: the page shows what it waits for.
package main

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "listen here")
	readOnly := flag.Bool("read-only", false, "allow no actions")
	calm := flag.Bool("calm", false, "nothing goes wrong")
	flag.Parse()

	host := hosted.New(hosted.Config{Name: "shop", Logger: slog.Default(), ShutdownTimeout: 15 * time.Second})
	cfg := dashboard.Config{
		Logger:    slog.Default(),
		SlowAfter: 10 * time.Second,
		Authorize: func(_ *http.Request, a dashboard.Action) error { return mayDo(a) },
		FormatItem: func(_ string, item any) string {
			if o, ok := item.(order); ok {
				return o.String()
			}
			return ""
		},
	}
	if *readOnly {
		cfg.Authorize = nil
	}
	page := dashboard.New(host, cfg)
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", page))

	// The page's own server comes first, so that it is the last to stop and shows
	// the whole stop.
	host.Add("admin", hosted.HTTP(&http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}))
	host.Add("dashboard", page)
	addShop(host, *calm)
	hosted.Main(host)
}

// rest waits for d or until ctx is done.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
