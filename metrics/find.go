package metrics

import (
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/displayname"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/periodic"
)

// The interfaces that are looked for in a service, behind its Unwrap methods, and in
// components given to hosted.Watch. Any service with these methods is shown.
type (
	queue  interface{ Stats() channelq.Stats }
	queues interface {
		Queues() []interface{ Name() string }
	}
	schedules interface {
		ScheduleList() []interface{ Name() string }
	}
	stateCounter interface{ States() map[string]int }
	dated        interface {
		Counted() (at time.Time, estimates []string)
	}
	job       interface{ Stats() periodic.Stats }
	scheduler interface{ Jobs() []*periodic.Job }
)

// components are the services of a host and of nested hosts, and their queues, jobs
// and candidates, each once.
type components struct {
	services  []subject[hosted.ServiceStatus]
	names     map[string]bool // of services
	queues    catalogue[channelq.Stats]
	jobs      catalogue[periodic.Stats]
	schedules catalogue[periodic.Stats] // stored schedules
	stored    map[string]storedQueue    // stored queues, by name
	stores    map[string]float64        // stores of durable jobs, by service; 1 if reachable
	leaders   map[string]leadership     // by group
}

func find(host Host) *components {
	c := &components{
		names: map[string]bool{}, queues: newCatalogue[channelq.Stats](),
		jobs: newCatalogue[periodic.Stats](), schedules: newCatalogue[periodic.Stats](),
		stored: map[string]storedQueue{}, stores: map[string]float64{}, leaders: map[string]leadership{},
	}
	c.addServices(host, "", 0)
	return c
}

// maxNesting bounds hosts in hosts. A host that contains itself cannot start, but
// may be scraped before that. Without a bound the scrape would exhaust the stack,
// which no recover catches.
const maxNesting = 8

// addServices adds the services of a host and of nested hosts, as outer/inner. If a
// service panics, only its own series are absent.
//
// All services of a host come before those of the hosts inside it. A queue that
// both use is then named by the outer one.
func (c *components) addServices(host Host, path string, depth int) {
	all := host.Services()
	for _, s := range all {
		name := c.unique(path + s.Name)
		c.services = append(c.services, newSubject("service", name, s))
		c.add(s, path)
		ask(s, func(o stored) { c.addStore(name, o) })
	}
	if depth == maxNesting {
		return
	}
	for _, s := range all {
		_ = guard.Call(func() error {
			if inner, ok := hosted.As[Host](s.Service); ok {
				c.addServices(inner, path+s.Name+"/", depth+1)
			}
			return nil
		})
	}
}

// unique returns name, with a mark if it is taken, such as by a/b beside b in a
// host a. Two series of one name would fail the scrape.
func (c *components) unique(name string) string {
	name = valid(name)
	for c.names[name] {
		name += "'"
	}
	c.names[name] = true
	return name
}

// add adds everything that one service is or watches. A service may be several of
// these. If it panics as one of them, it is still added as the others.
func (c *components) add(s hosted.ServiceStatus, path string) {
	ask(s, func(q queue) { c.addQueue(q, path) })
	ask(s, func(many queues) { c.addAll(many.Queues(), path) })
	ask(s, func(many schedules) {
		for _, one := range many.ScheduleList() {
			_ = guard.Call(func() error { c.addSchedule(one, path); return nil })
		}
	})
	ask(s, func(j job) { c.addJob(j, path) })
	ask(s, func(l candidate) { c.addCandidate(l) })
	ask(s, func(many scheduler) {
		for _, j := range many.Jobs() {
			_ = guard.Call(func() error { c.addJob(j, path); return nil })
		}
	})
	c.addAll(s.Watched, path)
}

// ask calls do with a service if it is a T. A panic ends that call only.
func ask[T any](s hosted.ServiceStatus, do func(T)) {
	_ = guard.Call(func() error {
		if t, ok := hosted.As[T](s.Service); ok {
			do(t)
		}
		return nil
	})
}

// addAll adds components that are known by their name only: watched ones, or
// several queues.
func (c *components) addAll(all []interface{ Name() string }, path string) {
	for _, one := range all {
		_ = guard.Call(func() error { c.addNamed(one, path); return nil })
	}
}

func (c *components) addNamed(w interface{ Name() string }, path string) {
	if q, ok := w.(queue); ok {
		c.addQueue(q, path)
	}
	if j, ok := w.(job); ok {
		c.addJob(j, path)
	}
}

// addQueue is called once for each consumer of a queue. The counters are the same
// for all of them; only the oldest due item may be known to one alone.
func (c *components) addQueue(q queue, path string) {
	s := q.Stats()
	name := c.queues.name(q, path+s.Name)
	if k, ok := q.(stateCounter); ok {
		c.stored[name] = storedOf(k, &s)
		s.Capacity, s.HighWater, s.Depth, s.Parked, s.OldestDue = boundless, boundless, boundless, boundless, time.Time{}
	}
	if other, ok := c.queues.stats[name]; ok && !other.OldestDue.IsZero() &&
		(s.OldestDue.IsZero() || other.OldestDue.Before(s.OldestDue)) {
		s.OldestDue = other.OldestDue
	}
	c.queues.stats[name] = s
}

func (c *components) addJob(j job, path string) {
	s := j.Stats()
	c.jobs.stats[c.jobs.name(j, path+s.Name)] = s
}

// catalogue has the components of one kind by their shown names.
type catalogue[S any] struct {
	stats map[string]S
	names *displayname.Names
}

func newCatalogue[S any]() catalogue[S] { return catalogue[S]{map[string]S{}, displayname.New()} }

// name returns the shown name of a component, which is always the same in one
// scrape.
func (c catalogue[S]) name(thing any, name string) string { return c.names.Of(thing, valid(name)) }
