package metrics

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
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
	host   Host
	build  prometheus.Metric
	native bool
}

// Option changes what a [Collector] sends.
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
		o.apply(c)
	}
	return c
}

// Describe sends the description of every metric there can be.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.build.Desc()
	ch <- serviceState
	describeAll(ch, serviceSamples)
	describeAll(ch, queueSamples)
	describeAll(ch, jobTimes)
	describeAll(ch, jobCounts)
	ch <- queueJobs
	describeAll(ch, leaderSamples)
	for _, d := range []*prometheus.Desc{queueWait, queueHandle, jobDuration, jobLateness} {
		ch <- d
	}
}

// Collect reads the host and sends what it finds.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ch <- c.build
	found := components{
		names: map[string]bool{}, queues: map[string]channelq.Stats{}, jobs: map[string]periodic.Stats{},
		states: map[string]map[string]int{}, leaders: map[string]candidate{},
	}
	found.addServices(c.host, "")
	collectServices(ch, found.services)
	c.collectQueues(ch, byName("queue", found.queues))
	collectJobs(ch, byName("job", found.jobs))
	collectStates(ch, found.states)
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

// components are the services of a host, and their queues, jobs and candidates,
// each once, by name.
type components struct {
	services []subject[hosted.ServiceStatus]
	names    map[string]bool // of services
	queues   map[string]channelq.Stats
	jobs     map[string]periodic.Stats
	states   map[string]map[string]int // of queues that are kept elsewhere
	leaders  map[string]candidate
}

// addServices meets the services of nested hosts too, as outer/inner. One that
// panics when it is asked leaves out its own series, not the scrape.
func (c *components) addServices(host Host, prefix string) {
	for _, s := range host.Services() {
		name := prefix + s.Name
		c.services = append(c.services, newSubject("service", c.unique(name), s))
		_ = guard.Call(func() error {
			if inner, ok := hosted.As[Host](s.Service); ok {
				c.addServices(inner, name+"/")
			}
			c.add(s)
			return nil
		})
	}
}

// unique is name, or if there is one like it, such as a/b beside b in a host a,
// with a mark: two series of one name would fail the scrape.
func (c *components) unique(name string) string {
	name = valid(name)
	for c.names[name] {
		name += "'"
	}
	c.names[name] = true
	return name
}

type (
	queue  interface{ Stats() channelq.Stats }
	queues interface {
		Queues() []interface{ Name() string }
	}
	schedules interface {
		Schedules() []interface{ Name() string }
	}
	keeper    interface{ States() map[string]int }
	job       interface{ Stats() periodic.Stats }
	scheduler interface{ Jobs() []*periodic.Job }
)

func (c *components) add(s hosted.ServiceStatus) {
	if q, ok := hosted.As[queue](s.Service); ok {
		c.addQueue(q.Stats())
	}
	if many, ok := hosted.As[queues](s.Service); ok {
		for _, q := range many.Queues() {
			c.addNamed(q)
		}
	}
	if many, ok := hosted.As[schedules](s.Service); ok {
		for _, e := range many.Schedules() {
			c.addNamed(e)
		}
	}
	if j, ok := hosted.As[job](s.Service); ok {
		c.addJob(j)
	}
	if l, ok := hosted.As[candidate](s.Service); ok {
		c.leaders[valid(l.Group())] = l
	}
	if many, ok := hosted.As[scheduler](s.Service); ok {
		for _, j := range many.Jobs() {
			c.addJob(j)
		}
	}
	for _, w := range s.Watched {
		c.addNamed(w)
	}
}

// addNamed is for what is known by its name only: watched, or one of many queues.
func (c *components) addNamed(w interface{ Name() string }) {
	k, kept := w.(keeper)
	if kept {
		c.states[valid(w.Name())] = k.States()
	}
	if q, ok := w.(queue); ok {
		s := q.Stats()
		if kept {
			s.Capacity, s.HighWater = boundless, boundless
		}
		c.addQueue(s)
	}
	if j, ok := w.(job); ok {
		c.addJob(j)
	}
}

// addQueue meets a queue once for each of its consumers. The books are the same
// for all of them; only the oldest due item may be known to one alone.
func (c *components) addQueue(s channelq.Stats) {
	name := valid(s.Name)
	if other, ok := c.queues[name]; ok && !other.OldestDue.IsZero() &&
		(s.OldestDue.IsZero() || other.OldestDue.Before(s.OldestDue)) {
		s.OldestDue = other.OldestDue
	}
	c.queues[name] = s
}

func (c *components) addJob(j job) {
	s := j.Stats()
	c.jobs[valid(s.Name)] = s
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
