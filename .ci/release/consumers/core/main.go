package main

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

func main() {
	emails, err := channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100})
	if err != nil {
		log.Fatal(err)
	}
	senders, err := channelq.NewWorkers(emails, func(context.Context, string) error { return nil }, channelq.WorkerConfig[string]{})
	if err != nil {
		log.Fatal(err)
	}
	cleanup, err := periodic.New(periodic.Config{Name: "cleanup", Schedule: periodic.Every(time.Hour)},
		func(ctx context.Context) error { return emails.Enqueue(ctx, "ada@example.com") })
	if err != nil {
		log.Fatal(err)
	}
	host := hosted.New(hosted.Config{Logger: slog.Default()})
	mux := http.NewServeMux()
	mux.Handle("/readyz", host.ReadyHandler())
	host.Add("emails", senders)
	host.Add("cleanup", cleanup)
	host.Add("site", hosted.HTTP(&http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: time.Second}))
	hosted.Main(host)
}
