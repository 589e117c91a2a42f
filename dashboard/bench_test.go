package dashboard_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// crowded is a host with very many queues and their workers, or with one scheduler.
func crowded(b *testing.B, queues, jobs int) *hosted.Host {
	b.Helper()
	host := manyQueues(b, queues)
	if jobs > 0 {
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "calendar"})
		if err != nil {
			b.Fatal(err)
		}
		for i := range jobs {
			j, err := periodic.New(periodic.Config{Name: fmt.Sprintf("job-%06d", i), Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil })
			if err == nil {
				err = s.Add(j)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		host.Add("calendar", s)
	}
	started(b, host)
	return host
}

// tenQueues is a host with ten queues and their workers, started.
func tenQueues(b *testing.B) *hosted.Host {
	b.Helper()
	host := manyQueues(b, 10)
	started(b, host)
	return host
}

func manyQueues(b *testing.B, n int) *hosted.Host {
	b.Helper()
	host := hosted.New(hosted.Config{})
	for i := range n {
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
	return host
}

func started(b *testing.B, host *hosted.Host) {
	b.Helper()
	if err := host.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = host.Stop(context.Background()) })
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

// BenchmarkSample is what a dashboard that was added to its host costs each Interval.
func BenchmarkSample(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d, s := dashboard.New(crowded(b, n, 0), dashboard.Config{Interval: 100 * time.Millisecond}), dashboard.NewSampler()
			b.ReportAllocs()
			for b.Loop() {
				d.Sample(s)
			}
		})
	}
}

// manyServices is a host with n services that have nothing to show, started.
func manyServices(b *testing.B, n int) *hosted.Host {
	b.Helper()
	host := hosted.New(hosted.Config{})
	for i := range n {
		host.Go(fmt.Sprintf("service-%d", i), func(ctx context.Context) error { <-ctx.Done(); return nil })
	}
	started(b, host)
	return host
}

// BenchmarkCrowd is what pages cost in a program with 10,000 queues, in one with 10,000
// services, and in one with 100,000 jobs of a Scheduler.
func BenchmarkCrowd(b *testing.B) {
	for name, host := range map[string]func(*testing.B) *hosted.Host{
		"queues":   func(b *testing.B) *hosted.Host { b.Helper(); return crowded(b, 10_000, 0) },
		"services": func(b *testing.B) *hosted.Host { b.Helper(); return manyServices(b, 10_000) },
		"jobs":     func(b *testing.B) *hosted.Host { b.Helper(); return crowded(b, 0, 100_000) },
	} {
		b.Run(name, func(b *testing.B) { pagesOf(b, host(b)) })
	}
}

func pagesOf(b *testing.B, host *hosted.Host) {
	b.Helper()
	d, s := dashboard.New(host, dashboard.Config{}), dashboard.NewSampler()
	b.Run("Sample", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Sample(s)
		}
	})
	b.Run("StopPlan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			host.StopPlan()
		}
	})
	b.Run("first", func(b *testing.B) { // when nobody has looked for long
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			runtime.GC()
			runtime.GC()
			b.StartTimer()
			d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}
	})
	for _, page := range []string{"", "services", "queues", "schedules", "failures", "stop", "nothing", "api/v1/state", "api/v1/state?limit=100"} {
		b.Run(cmp.Or(page, "overview"), func(b *testing.B) {
			b.ReportAllocs()
			r, size := httptest.NewRequest(http.MethodGet, "/"+page, nil), 0
			for b.Loop() {
				w := httptest.NewRecorder()
				d.ServeHTTP(w, r)
				size = w.Body.Len()
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
