package metrics

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/lifecycle"
)

// Host is what a Collector reads, such as a *[hosted.Host]. Services is called at
// every scrape. It must be safe for concurrent use and must not block.
type Host interface {
	Services() []hosted.ServiceStatus
}

// Collector is a [prometheus.Collector] for one host. Two hosts in one registry
// need [prometheus.WrapRegistererWith] and a label that distinguishes them. A
// Collector is safe for concurrent use, before the host starts and after it has
// stopped too.
type Collector struct {
	host   Host
	build  prometheus.Metric
	native bool
	misuse error // of NewCollector, which has no error to return
}

// Option changes what a [Collector] sends.
type Option interface{ apply(c *Collector) }

type option func(*Collector)

func (o option) apply(c *Collector) { o(c) }

// NativeHistograms returns an option that adds native buckets, four for each
// doubling, to the histograms of queues. A Prometheus that scrapes native
// histograms stores those and ignores the explicit buckets. Any other does not see
// them.
func NativeHistograms() Option { return option(func(c *Collector) { c.native = true }) }

// NewCollector returns a Collector for host. It starts nothing and need not be
// closed. If host or an option is nil, each scrape fails with an error that says so.
func NewCollector(host Host, options ...Option) *Collector {
	c := &Collector{host: host, build: prometheus.MustNewConstMetric(
		describe("build_info", "The version of Stead and of Go in this program.", "version", "goversion"),
		prometheus.GaugeValue, 1, version(), runtime.Version())}
	if nils.Is(host) {
		c.misuse = errors.New("stead/metrics: NewCollector: the host is nil")
	}
	for i, o := range options {
		if o == nil {
			c.misuse = errors.Join(c.misuse, fmt.Errorf("stead/metrics: NewCollector: option %d of %d is nil", i+1, len(options)))
			continue
		}
		o.apply(c)
	}
	return c
}

// Describe sends the description of every possible metric, whatever the host has. A
// registry then rejects a second collector of the same host at once, and not at the
// first scrape that has a queue.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.build.Desc()
	ch <- serviceState
	describeAll(ch, serviceSamples)
	describeAll(ch, queueSamples)
	describeAll(ch, jobTimes)
	describeAll(ch, jobCounts)
	ch <- durableJobs
	describeAll(ch, storedSamples)
	describeAll(ch, scheduleTimes)
	ch <- storeUp
	describeAll(ch, leaderSamples)
	for _, d := range []*prometheus.Desc{queueWait, queueHandle, jobDuration, jobLateness} {
		ch <- d
	}
}

// Collect reads the host and sends the metrics. It reads each component once, so
// that the series of one component are of one moment.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	if c.misuse != nil {
		ch <- prometheus.NewInvalidMetric(c.build.Desc(), c.misuse)
		return
	}
	ch <- c.build
	found := find(c.host)
	collectServices(ch, found.services)
	c.collectQueues(ch, byName("queue", found.queues.stats))
	collectJobs(ch, byName("job", found.jobs.stats))
	collectStored(ch, found)
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

// collectServices sends all states of each service. A query for one state is then 0
// and not empty, and an alert on it ends.
func collectServices(ch chan<- prometheus.Metric, of []subject[hosted.ServiceStatus]) {
	for _, s := range of {
		for _, state := range states {
			ch <- &point{serviceState, s.labels(state.label), prometheus.GaugeValue, oneIf(s.stats.State == state.stats)}
		}
	}
	collect(ch, serviceSamples, of)
}

// states are all states, each with its label.
var states = func() (all []subject[lifecycle.State]) {
	for _, state := range lifecycle.States() {
		all = append(all, newSubject("state", state.String(), state))
	}
	slices.SortFunc(all, func(a, b subject[lifecycle.State]) int {
		return strings.Compare(a.label.GetValue(), b.label.GetValue())
	})
	return all
}()

// oneIf returns a boolean as Prometheus represents it.
func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// since1970 returns a timestamp as Prometheus represents it, or absent if t is
// zero.
func since1970(t time.Time) float64 {
	if t.IsZero() {
		return absent
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9 // UnixNano ends in 2262, and a slot may be later
}

// version returns the version of the module of this package, in the program that
// uses it, or in its own tests and examples.
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
