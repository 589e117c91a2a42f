package metrics

import (
	"math"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// Host is what a Collector reads; a *[hosted.Host] is one.
type Host interface {
	Services() []hosted.ServiceStatus
}

// Collector is a [prometheus.Collector] over one host. Register it where you
// like; two hosts in one registry need [prometheus.WrapRegistererWith] and a
// label that tells them apart. It may be used from any goroutine, before the host
// starts and after it has stopped.
type Collector struct {
	host  Host
	build prometheus.Metric
}

// NewCollector returns a Collector for host. It starts nothing and needs no end.
func NewCollector(host Host) *Collector {
	return &Collector{host, prometheus.MustNewConstMetric(
		describe("build_info", "The version of Stead and of Go in this program.", "version", "goversion"),
		prometheus.GaugeValue, 1, version(), runtime.Version())}
}

// Describe sends the description of every metric there can be.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.build.Desc()
	ch <- serviceState
	describeAll(ch, serviceSamples)
	describeAll(ch, queueSamples)
	describeAll(ch, jobSamples)
	for _, d := range []*prometheus.Desc{queueWait, queueHandle, jobDuration, jobLateness} {
		ch <- d
	}
}

// Collect reads the host and sends what it finds.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ch <- c.build
	found := components{queues: map[string]channelq.Stats{}, jobs: map[string]periodic.Stats{}}
	collectServices(ch, c.host, "", &found)
	for _, stats := range found.queues {
		collectQueue(ch, &stats)
	}
	for _, stats := range found.jobs {
		collectJob(ch, &stats)
	}
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

// collectServices also gathers the queues and jobs that the services are.
func collectServices(ch chan<- prometheus.Metric, host Host, prefix string, found *components) {
	for _, s := range host.Services() {
		name := prefix + s.Name
		for _, state := range lifecycle.States() {
			ch <- prometheus.MustNewConstMetric(serviceState, prometheus.GaugeValue, oneIf(s.State == state), name, state.String())
		}
		collect(ch, serviceSamples, &s, name)
		if inner, ok := hosted.As[Host](s.Service); ok {
			collectServices(ch, inner, name+"/", found)
		}
		found.add(s)
	}
}

// components are the queues and jobs of a host, each once, by name.
type components struct {
	queues map[string]channelq.Stats
	jobs   map[string]periodic.Stats
}

type (
	queue     interface{ Stats() channelq.Stats }
	job       interface{ Stats() periodic.Stats }
	scheduler interface{ Jobs() []*periodic.Job }
)

func (c *components) add(s hosted.ServiceStatus) {
	if q, ok := hosted.As[queue](s.Service); ok {
		c.addQueue(q.Stats())
	}
	if j, ok := hosted.As[job](s.Service); ok {
		c.addJob(j)
	}
	if many, ok := hosted.As[scheduler](s.Service); ok {
		for _, j := range many.Jobs() {
			c.addJob(j)
		}
	}
	for _, w := range s.Watched {
		if q, ok := w.(queue); ok {
			c.addQueue(q.Stats())
		}
		if j, ok := w.(job); ok {
			c.addJob(j)
		}
	}
}

// addQueue meets a queue once for each of its consumers. The books are the same
// for all of them; only the oldest due item may be known to one alone.
func (c *components) addQueue(s channelq.Stats) {
	if other, ok := c.queues[s.Name]; ok && !other.OldestDue.IsZero() &&
		(s.OldestDue.IsZero() || other.OldestDue.Before(s.OldestDue)) {
		s.OldestDue = other.OldestDue
	}
	c.queues[s.Name] = s
}

func (c *components) addJob(j job) {
	s := j.Stats()
	c.jobs[s.Name] = s
}

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

// version of the module that this package was built from.
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

// absent is the value of a sample that is left out.
var absent = math.NaN()
