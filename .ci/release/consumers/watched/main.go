package main

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/otel"
)

func send(context.Context, string) error { return nil }

func main() {
	emails, err := channelq.New(channelq.Config[otel.Carrier[string]]{Name: "emails", Capacity: 100})
	if err != nil {
		log.Fatal(err)
	}
	senders, err := channelq.NewWorkers(emails, otel.Handler("emails", send), channelq.WorkerConfig[otel.Carrier[string]]{})
	if err != nil {
		log.Fatal(err)
	}
	host := hosted.New(hosted.Config{Logger: slog.Default()})
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/admin/", dashboard.New(host, dashboard.Config{}))
	host.Add("emails", senders)
	host.Add("site", hosted.HTTP(&http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: time.Second}))
	hosted.Main(host)
}
