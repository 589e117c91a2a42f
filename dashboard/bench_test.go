package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// tenQueues is a host with ten queues and their workers, started.
func tenQueues(b *testing.B) *hosted.Host {
	b.Helper()
	host := hosted.New(hosted.Config{})
	for i := range 10 {
		name := fmt.Sprintf("queue-%d", i)
		q, err := channelq.New(channelq.Config[int]{Name: name, Capacity: 100})
		if err != nil {
			b.Fatal(err)
		}
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{Concurrency: 1})
		if err != nil {
			b.Fatal(err)
		}
		host.Add(name, w)
	}
	if err := host.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = host.Stop(context.Background()) })
	return host
}

// BenchmarkState is the most that a dashboard which was added to its host costs each
// Interval: a sample asks for a part of it.
func BenchmarkState(b *testing.B) {
	d := dashboard.New(tenQueues(b), dashboard.Config{})
	b.ReportAllocs()
	for b.Loop() {
		d.State()
	}
}

// BenchmarkOverview is what a viewer costs each Interval, and a page.
func BenchmarkOverview(b *testing.B) {
	d := dashboard.New(tenQueues(b), dashboard.Config{})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		d.ServeHTTP(httptest.NewRecorder(), r)
	}
}
