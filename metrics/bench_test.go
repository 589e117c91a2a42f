package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

// manyQueues is a host of n queues, each with its workers.
func manyQueues(tb testing.TB, n int) *hosted.Host {
	tb.Helper()
	host := hosted.New(hosted.Config{})
	for i := range n {
		name := fmt.Sprintf("queue-%04d", i)
		handle := func(context.Context, int) error { return nil }
		host.Add(name, must(channelq.NewWorkers(newQueue(name, 64, channelq.Wait), handle, channelq.WorkerConfig[int]{})))
	}
	return host
}

// A scrape as Prometheus sees it: gathered, checked, written as text.
func BenchmarkScrapeOf1000Queues(b *testing.B) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(manyQueues(b, 1000)))
	b.Run("gather", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := registry.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("http", func(b *testing.B) {
		handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{DisableCompression: true})
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		b.ReportAllocs()
		for b.Loop() {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request)
			if w.Code != http.StatusOK {
				b.Fatal(w.Code)
			}
		}
	})
}

// The collector's own part of a scrape; the rest is the Prometheus library.
func BenchmarkCollectOf1000Queues(b *testing.B) {
	collector := metrics.NewCollector(manyQueues(b, 1000))
	ch := make(chan prometheus.Metric, 1000)
	go func() {
		for range ch {
			continue // drained
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		collector.Collect(ch)
	}
	close(ch)
}

// One item through a queue that nobody looks at, and through one that a collector
// has in its host and has just read.
func BenchmarkItem(b *testing.B) {
	for _, scraped := range []bool{false, true} {
		b.Run(fmt.Sprintf("scraped=%v", scraped), func(b *testing.B) {
			q := queueInHost(b, scraped)
			b.ReportAllocs()
			for b.Loop() {
				passOne(b, q)
			}
		})
	}
}

func TestBeingScrapedCostsAnItemNothing(t *testing.T) {
	label, scraped := queueInHost(t, false), queueInHost(t, true)
	const items = 6400
	for _, q := range []*channelq.Queue[int]{label, scraped} {
		if allocs := testing.AllocsPerRun(items, func() { passOne(t, q) }); allocs != 0 {
			t.Errorf("%v allocations an item", allocs)
		}
	}
	// An item reads the clock only if its wait is sampled.
	if a, s := label.Stats().Wait.Count, scraped.Stats().Wait.Count; a == 0 || a != s {
		t.Errorf("%d waits were sampled without a collector and %d with one", a, s)
	}
}

// queueInHost has no workers: those would take the items on other goroutines,
// and the time of the benchmark would be theirs.
func queueInHost(tb testing.TB, scraped bool) *channelq.Queue[int] {
	tb.Helper()
	q := newQueue("items", 64, channelq.Wait)
	if scraped {
		host := hosted.New(hosted.Config{})
		host.Go("reader", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(q))
		registry := prometheus.NewRegistry()
		registry.MustRegister(metrics.NewCollector(host))
		found, err := registry.Gather()
		if err != nil || len(found) < 10 {
			tb.Fatalf("%d metrics, %v", len(found), err)
		}
	}
	return q
}

func passOne(tb testing.TB, q *channelq.Queue[int]) {
	if err := q.TryEnqueue(1); err != nil {
		tb.Fatal(err)
	}
	if _, err := q.TryDequeue(); err != nil {
		tb.Fatal(err)
	}
}
