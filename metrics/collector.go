package metrics

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// Host is what a Collector reads; a *[hosted.Host] is one. Services is called at
// every scrape, from any goroutine, and must not block.
type Host interface {
	Services() []hosted.ServiceStatus
}

// Collector is a [prometheus.Collector] over one host. Register it where you
// like; two hosts in one registry need [prometheus.WrapRegistererWith] and a
// label that tells them apart. It may be used from any goroutine, before the host
// starts and after it has stopped.
type Collector struct {
	host   Host
	build  prometheus.Metric
	native bool
}

// Option changes what a [Collector] sends. A nil one changes nothing.
type Option interface{ apply(c *Collector) }

type option func(*Collector)

func (o option) apply(c *Collector) { o(c) }

// NativeHistograms adds native buckets, four for each doubling, to the histograms
// of queues. A Prometheus that scrapes native histograms stores those and leaves
// the explicit buckets out; any other does not see them.
func NativeHistograms() Option { return option(func(c *Collector) { c.native = true }) }

// NewCollector returns a Collector for host. It starts nothing and needs no end.
func NewCollector(host Host, options ...Option) *Collector {
	c := &Collector{host: host, build: prometheus.MustNewConstMetric(
		describe("build_info", "The version of Stead and of Go in this program.", "version", "goversion"),
		prometheus.GaugeValue, 1, version(), runtime.Version())}
	for _, o := range options {
		if o != nil {
			o.apply(c)
		}
	}
	return c
}

// Describe sends the description of every metric there can be, whatever the host
// has: a registry refuses a second collector of the same at once, and not at the
// first scrape that has a queue.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.build.Desc()
	ch <- serviceState
	describeAll(ch, serviceSamples)
	describeAll(ch, queueSamples)
	describeAll(ch, jobTimes)
	describeAll(ch, jobCounts)
	ch <- durableJobs
	describeAll(ch, keptSamples)
	describeAll(ch, scheduleTimes)
	ch <- storeUp
	describeAll(ch, leaderSamples)
	for _, d := range []*prometheus.Desc{queueWait, queueHandle, jobDuration, jobLateness} {
		ch <- d
	}
}

// Collect reads the host and sends what it finds. It asks each component once, so
// that the series of one are of one moment.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ch <- c.build
	found := find(c.host)
	collectServices(ch, found.services)
	c.collectQueues(ch, byName("queue", found.queues.stats))
	collectJobs(ch, byName("job", found.jobs.stats))
	collectKept(ch, found)
	collect(ch, leaderSamples, byName("group", found.leaders))
}

// byName sorts, so that the registry has less to sort.
func byName[S any](kind string, all map[string]S) []subject[S] {
	sorted := make([]subject[S], 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, newSubject(kind, name, all[name]))
	}
	return sorted
}

var (
	serviceState   = describe("service_state", "1 for the state that the service is in, 0 for the others.", "service", "state")
	serviceSamples = []sample[hosted.ServiceStatus]{
		counter("service_restarts_total", "Restarts after a failure.", "service", func(s *hosted.ServiceStatus) float64 { return float64(s.Restarts) }),
		counter("service_panics_total", "Panics that were caught and became errors.", "service", func(s *hosted.ServiceStatus) float64 { return float64(s.Panics) }),
		gauge("service_start_duration_seconds", "How long the last start took.", "service", func(s *hosted.ServiceStatus) float64 { return s.StartTook.Seconds() }),
		gauge("service_stop_duration_seconds", "How long the stop took; 0 before it.", "service", func(s *hosted.ServiceStatus) float64 { return s.StopTook.Seconds() }),
	}
)

// collectServices sends all states of each service: a query for one of them is then
// 0 and not empty, and an alert on it ends.
func collectServices(ch chan<- prometheus.Metric, of []subject[hosted.ServiceStatus]) {
	for _, s := range of {
		for _, state := range states {
			ch <- &point{serviceState, s.labels(state.label), prometheus.GaugeValue, oneIf(s.stats.State == state.stats)}
		}
	}
	collect(ch, serviceSamples, of)
}

// states are all there are, with the label that stands for each.
var states = func() (all []subject[lifecycle.State]) {
	for _, state := range lifecycle.States() {
		all = append(all, newSubject("state", state.String(), state))
	}
	slices.SortFunc(all, func(a, b subject[lifecycle.State]) int {
		return strings.Compare(a.label.GetValue(), b.label.GetValue())
	})
	return all
}()

// oneIf is a yes or no as Prometheus has it.
func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// since1970 is a timestamp as Prometheus has it, or absent if there is none.
func since1970(t time.Time) float64 {
	if t.IsZero() {
		return absent
	}
	return float64(t.UnixNano()) / 1e9
}

// version of the module that this package was built from: in the program that uses
// it, or in its own tests and examples.
func version() string {
	const module = "github.com/steadgo/stead"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	if info.Main.Path == module && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
