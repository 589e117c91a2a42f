package metrics_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

// silent is a service that is done at once.
func silent() hosted.Service { return hosted.Once(func(context.Context) error { return nil }) }

// bomb panics when it is asked.
type bomb struct{ hosted.Service }

func (bomb) Stats() channelq.Stats { panic("boom") }

func TestAComponentThatPanicsCostsOnlyItsOwnSeries(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("bomb", bomb{silent()})
	host.Add("mail", silent(), hosted.Watch(newQueue("mail", 5, channelq.Wait)))
	scrape(t, host).want(t, map[string]float64{
		`stead_queue_capacity{queue="mail"}`:           5,
		`stead_service_restarts_total{service="bomb"}`: 0,
	})
}

// storedAs is a queue in a store, of any name.
type storedAs string

func (s storedAs) Name() string           { return string(s) }
func (s storedAs) Stats() channelq.Stats  { return channelq.Stats{Name: string(s)} }
func (s storedAs) States() map[string]int { return map[string]int{"retryable": 3} }

func TestNamesThatAreNoUTF8DoNotFailTheScrape(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("x\xff", silent(), hosted.Watch(storedAs("kept\xff")))
	host.Add("x\xfe", silent(), hosted.Watch(newQueue("mail\xff", 5, channelq.Wait)))
	host.Add("y", silent(), hosted.Watch(newQueue("mail\xfe", 5, channelq.Wait)))
	scrape(t, host).want(t, map[string]float64{
		"stead_durable_jobs{queue=\"kept\uFFFD\",state=\"retryable\"}": 3,
		"stead_queue_capacity{queue=\"mail\uFFFD\"}":                   5,
		"stead_service_restarts_total{service=\"x\uFFFD\"}":            0,
		"stead_service_restarts_total{service=\"x\uFFFD'\"}":           0,
	})
}

func TestAServiceCalledLikeOneOfANestedHostIsShownBesideIt(t *testing.T) {
	inner := hosted.New(hosted.Config{Name: "inner"})
	inner.Add("b", silent())
	host := hosted.New(hosted.Config{})
	host.Add("a", inner)
	host.Add("a/b", silent())
	scrape(t, host).want(t, map[string]float64{
		`stead_service_restarts_total{service="a/b"}`:  0,
		`stead_service_restarts_total{service="a/b'"}`: 0,
	})
}

func TestScrapesSideBySideOfWrappedCollectorsHaveSortedLabels(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	for _, label := range []string{"a", "z"} {
		for _, value := range []string{"1", "2"} {
			q := newQueue("a \"b\"\n\\ü", 1, channelq.Wait)
			w := must(channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{}))
			host := hosted.New(hosted.Config{})
			host.Add("mail", w, hosted.Watch(storedAs("kept")))
			prefixed := prometheus.WrapRegistererWithPrefix("my_"+label+"_", registry)
			prometheus.WrapRegistererWith(prometheus.Labels{label: value, "r": "x"}, prefixed).
				MustRegister(metrics.NewCollector(host, metrics.NativeHistograms()))
		}
	}
	byName := func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) }
	var scrapes sync.WaitGroup
	for range 4 {
		scrapes.Go(func() {
			families, err := registry.Gather()
			if err != nil {
				t.Error(err)
			}
			for _, f := range families {
				for _, m := range f.GetMetric() {
					if !slices.IsSortedFunc(m.GetLabel(), byName) || len(m.GetLabel()) < 3 {
						t.Errorf("%s has the labels %v", f.GetName(), m.GetLabel())
					}
				}
			}
		})
	}
	scrapes.Wait()
}

// shelf has several queues, one of which panics.
type shelf struct{ hosted.Service }

func (shelf) Queues() []interface{ Name() string } {
	return []interface{ Name() string }{loaded("a"), storedAs("b"), nil}
}

// Role of a candidate that panics as well.
func (shelf) Group() string                                      { return "g" }
func (shelf) Transitions() uint64                                { return 0 }
func (shelf) Role() (leading bool, since time.Time, fence int64) { panic("boom") }

type loaded string

func (l loaded) Name() string        { return string(l) }
func (loaded) Stats() channelq.Stats { panic("boom") }

func TestAQueueThatPanicsCostsNoneOfItsNeighboursTheirSeries(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("shelf", shelf{silent()}, hosted.Watch(loaded("c")), hosted.Watch(newQueue("mail", 5, channelq.Wait)))
	scrape(t, host).want(t, map[string]float64{
		`stead_queue_capacity{queue="mail"}`:              5,
		`stead_durable_jobs{queue="b",state="retryable"}`: 3,
		`stead_service_restarts_total{service="shelf"}`:   0,
	})
}

// A rule of the program may be due later than nanoseconds can count.
func TestASlotInAFarYearIsNoTimeOfThePast(t *testing.T) {
	at := time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	job := must(periodic.New(periodic.Config{Name: "far", Schedule: periodic.At(at)}, func(context.Context) error { return nil }))
	host := hosted.New(hosted.Config{})
	host.Add("far", job)
	started(t, host)
	scrape(t, host).want(t, map[string]float64{`stead_job_next_run_timestamp_seconds{job="far"}`: float64(at.Unix())})
	stopped(t, host)
}
