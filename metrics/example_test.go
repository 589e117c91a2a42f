package metrics_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

func ExampleNewCollector() {
	read := func(ctx context.Context) error { <-ctx.Done(); return nil }
	queue := must(channelq.New(channelq.Config[string]{Name: "emails", Capacity: 10}))
	host := hosted.New(hosted.Config{})
	host.Go("reader", read, hosted.Watch(queue)) // and your other services

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	// mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "stead_queue_capacity") {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: stead_queue_capacity 10
}

// Two hosts in one registry are told apart by a label.
func ExampleCollector() {
	registry := prometheus.NewRegistry()
	for _, name := range []string{"web", "jobs"} {
		host := hosted.New(hosted.Config{Name: name})
		prometheus.WrapRegistererWith(prometheus.Labels{"host": name}, registry).MustRegister(metrics.NewCollector(host))
	}
	families, err := registry.Gather()
	fmt.Println(len(families), err)
	// Output: 1 <nil>
}

// A Collector takes anything that lists services: here those that are critical.
func ExampleHost() {
	host := hosted.New(hosted.Config{})
	wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
	host.Go("orders", wait)
	host.Go("thumbnails", wait, hosted.NotCritical())

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(critical{host}))
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range families {
		if f.GetName() == "stead_service_restarts_total" {
			for _, m := range f.GetMetric() {
				fmt.Println(m.GetLabel()[0].GetValue(), m.GetCounter().GetValue())
			}
		}
	}
	// Output: orders 0
}

type critical struct{ host *hosted.Host }

func (c critical) Services() (some []hosted.ServiceStatus) {
	for _, s := range c.host.Services() {
		if s.Critical {
			some = append(some, s)
		}
	}
	return some
}

// Native histograms are sent beside the explicit buckets, to whoever asks for them.
func ExampleOption() {
	queue := must(channelq.New(channelq.Config[string]{Name: "emails", Capacity: 10}))
	host := hosted.New(hosted.Config{})
	host.Go("reader", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(queue))

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(host, metrics.NativeHistograms()))
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range families {
		if f.GetName() == "stead_queue_wait_seconds" {
			h := f.GetMetric()[0].GetHistogram()
			fmt.Println("explicit:", len(h.GetBucket()) > 0, "native:", len(h.GetPositiveSpan()) > 0)
		}
	}
	// Output: explicit: true native: true
}
