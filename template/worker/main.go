// Command worker does background work until it is stopped. Change poll.
//
//	go run .
//	curl localhost:8081/readyz
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

func main() {
	probes := flag.String("probes", ":8081", "address of /livez and /readyz")
	every := flag.Duration("every", 5*time.Second, "how often to poll")
	flag.Parse()

	host, err := build(slog.Default(), *probes, *every)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	hosted.Main(host)
}

func build(log *slog.Logger, probes string, every time.Duration) (*hosted.Host, error) {
	poller, err := periodic.New(periodic.Config{
		Name:       "poller",
		Schedule:   periodic.Every(every),
		RunAtStart: true,
		Timeout:    time.Minute,
	}, func(ctx context.Context) error { return poll(ctx, log) })
	if err != nil {
		return nil, err
	}
	host := hosted.New(hosted.Config{Name: "worker", Logger: log})
	host.Add("probes", host.Probes(probes))
	host.Add("poller", poller)
	return host, nil
}

// poll is the work. Its context is canceled when the stop cannot wait any longer.
func poll(ctx context.Context, log *slog.Logger) error {
	log.InfoContext(ctx, "polled")
	return nil
}
