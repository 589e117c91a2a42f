package metrics_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

func workers(q *channelq.Queue[int], detach bool) *channelq.Workers[int] {
	return must(channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{Detach: detach}))
}

func daily(name string) *periodic.Job {
	return must(periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(24 * time.Hour)}, func(context.Context) error { return nil }))
}

func TestQueuesAndJobsOfOneNameInNestedHostsAreSeriesOfTheirOwn(t *testing.T) {
	host := hosted.New(hosted.Config{})
	for i, name := range []string{"b", "a"} { // before the outer ones: the order does not matter
		inner := hosted.New(hosted.Config{Name: name})
		inner.Add("mail", workers(newQueue("mail", 10+i, channelq.Wait), false))
		inner.Add("tidy", daily("tidy"))
		inner.Add("stored", silent(), hosted.Watch(storedAs("kept")))
		host.Add(name, inner)
	}
	host.Add("mail", workers(newQueue("mail", 1, channelq.Wait), false))
	host.Add("tidy", daily("tidy"))
	p := scrape(t, host)
	p.want(t, map[string]float64{
		`stead_queue_capacity{queue="mail"}`:                     1,
		`stead_queue_capacity{queue="b/mail"}`:                   10,
		`stead_queue_capacity{queue="a/mail"}`:                   11,
		`stead_job_runs_total{job="tidy",outcome="succeeded"}`:   0,
		`stead_job_runs_total{job="a/tidy",outcome="succeeded"}`: 0,
		`stead_job_runs_total{job="b/tidy",outcome="succeeded"}`: 0,
		`stead_service_restarts_total{service="a/mail"}`:         0,
		`stead_durable_jobs{queue="a/kept",state="retryable"}`:   3,
	})
	if n := p.sum("stead_queue_capacity", ""); n != 22 {
		t.Errorf("all capacities are %v", n)
	}
}

func TestAQueueThatServicesOfSeveralHostsUseIsOneSeries(t *testing.T) {
	q := newQueue("mail", 5, channelq.Wait)
	inner := hosted.New(hosted.Config{Name: "inner"})
	inner.Add("helpers", workers(q, true))
	host := hosted.New(hosted.Config{})
	host.Add("plugins", inner)
	host.Add("mail", workers(q, false), hosted.Watch(q))
	_ = q.TryEnqueue(1)
	p := scrape(t, host)
	p.want(t, map[string]float64{`stead_queue_accepted_total{queue="mail"}`: 1})
	p.wantAbsent(t, `stead_queue_accepted_total{queue="plugins/mail"}`)
}

// A host refuses to start with these, but a scrape may come before it says so.
func TestTwoQueuesOfOneNameInAHostAreNotAddedUp(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("x", workers(newQueue("mail", 5, channelq.Wait), false))
	host.Add("y", workers(newQueue("mail", 6, channelq.Wait), false))
	scrape(t, host).want(t, map[string]float64{
		`stead_queue_capacity{queue="mail"}`:  5,
		`stead_queue_capacity{queue="mail'"}`: 6,
	})
}

func TestAHostThatContainsItselfEndsTheScrapeNotTheProgram(t *testing.T) {
	host := hosted.New(hosted.Config{Name: "loop"})
	host.Add("self", host, hosted.Watch(newQueue("mail", 5, channelq.Wait)))
	p := scrape(t, host)
	p.wantAbsent(t, `stead_service_restarts_total{service="`+strings.Repeat("self/", 9))
	p.want(t, map[string]float64{
		`stead_service_restarts_total{service="self"}`:      0,
		`stead_service_restarts_total{service="self/self"}`: 0,
		`stead_queue_capacity{queue="mail"}`:                5,
	})
}

func TestAScrapeSaysThatTheHostOrAnOptionIsNil(t *testing.T) {
	const noHost = "stead/metrics: NewCollector: the host is nil"
	for c, want := range map[*metrics.Collector]string{
		metrics.NewCollector(nil):                 noHost,
		metrics.NewCollector((*hosted.Host)(nil)): noHost,
		metrics.NewCollector(hosted.New(hosted.Config{}), metrics.NativeHistograms(), nil): "stead/metrics: NewCollector: option 2 of 2 is nil",
	} {
		r := prometheus.NewRegistry()
		if err := r.Register(c); err != nil {
			t.Error(err)
		}
		if _, err := r.Gather(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the scrape says %v, want %s", err, want)
		}
	}
}

func TestAHostThatIsBuiltAnewIsInTheMetricsAllTheWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		host.Add("plugins", hosted.Reloadable(func(context.Context) (*hosted.Host, error) {
			inner := hosted.New(hosted.Config{})
			inner.Add("mail", workers(newQueue("mail", 5, channelq.Wait), false))
			inner.Task("slow", func(context.Context) error { time.Sleep(time.Second); return nil })
			return inner, nil
		}))
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		reloaded := make(chan error, 1)
		go func() { reloaded <- host.Reload(t.Context()) }()
		for range 10 {
			synctest.Wait()
			scrape(t, host).want(t, map[string]float64{
				`stead_queue_capacity{queue="plugins/mail"}`:           5,
				`stead_service_restarts_total{service="plugins/slow"}`: 0,
			})
			time.Sleep(150 * time.Millisecond)
		}
		if err := <-reloaded; err != nil {
			t.Error(err)
		}
		_ = host.Stop(t.Context())
	})
}
