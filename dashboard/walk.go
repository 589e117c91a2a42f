package dashboard

import (
	"slices"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/periodic"
)

// maxNesting of hosts in hosts; a host that contains itself would have no end.
const maxNesting = 8

// found is one service, of the host or of one inside it, and where it stands in
// the state.
type found struct {
	path   string // of the hosts it is in: "" or "outer/"
	depth  int
	at     int
	status hosted.ServiceStatus
}

// walk finds the services of a host and, behind each that is a host, those inside.
func (inv *inventory) walk(path string, host hostSource, depth int) {
	services := host.Services()
	inv.found = slices.Grow(inv.found, len(services))
	inv.state.Services = slices.Grow(inv.state.Services, len(services))
	for _, status := range services {
		at := len(inv.state.Services)
		inv.found = append(inv.found, found{path, depth, at, status})
		inv.state.Services = append(inv.state.Services, serviceOf(path, status))
		err := guard.Call(func() error {
			if inner, ok := hosted.As[hostSource](status.Service); ok && depth < maxNesting {
				inv.walk(path+status.Name+"/", inner, depth+1)
			}
			return nil
		})
		inv.state.Services[at].shown(err)
	}
}

// shown notes that a component panicked when it was asked, which must not take the
// page, or a program that keeps history, with it.
func (v *Service) shown(err error) {
	if err != nil && v.Error == "" {
		v.Error = "cannot be shown in full: " + text(err)
	}
}

// takeAll asks every service, those of outer hosts first: a queue that is used in
// several is then known by its name in the outermost.
func (inv *inventory) takeAll() {
	slices.SortStableFunc(inv.found, func(a, b found) int { return a.depth - b.depth })
	for i := range inv.found {
		f := &inv.found[i]
		inv.takeOne(f.path, &inv.state.Services[f.at], &f.status)
	}
}

// takeOne asks one service, and each of its queues and schedules, for what it has.
func (inv *inventory) takeOne(path string, v *Service, status *hosted.ServiceStatus) {
	from := len(inv.sources)
	asks := []func(){
		func() { inv.sources = sourcesOf(inv.sources, path, status) },
		func() {
			if b, ok := hosted.As[backlogSource](status.Service); ok {
				v.Backlog = b.Backlog()
			}
		},
		func() {
			if c, ok := hosted.As[stuckSource](status.Service); ok {
				v.Stuck = c.Stuck()
			}
		},
		func() {
			if c, ok := hosted.As[candidate](status.Service); ok {
				v.Leadership = leadershipOf(c)
			} else if o, ok := hosted.As[outageSource](status.Service); ok {
				since, err := o.Outage()
				v.OutageSince, v.OutageError = since, text(err)
			}
		},
		func() { inv.addInstances(v.Name, status) },
		func() {
			if t, ok := hosted.As[trailSource](status.Service); ok {
				inv.trails = append(inv.trails, trail{v.Name, t})
			}
		},
	}
	for _, ask := range asks {
		v.shown(guard.Call(func() error { ask(); return nil }))
	}
	sources := inv.sources[from:]
	inv.grow(len(sources))
	for i := range sources {
		v.shown(guard.Call(func() error { inv.look(&sources[i]); return nil }))
	}
}

func (inv *inventory) look(s *source) {
	if q, ok := find[queueSource](*s); ok {
		stats := q.Stats()
		stats.Name = inv.names.queues.Of(q, s.path+stats.Name)
		inv.addQueue(*s, stats)
	}
	if j, ok := find[scheduleSource](*s); ok {
		stats := brief(j)
		name, again := inv.names.schedules.Meet(j, s.path+stats.Name)
		if again {
			return // watched by another service too
		}
		stats.Name = name
		inv.state.Schedules = append(inv.state.Schedules, scheduleOf(s, &stats))
	}
}

// brief asks for what sums and verdicts need. What is not a job of package periodic, but
// perhaps has one embedded, is asked for all.
func brief(j scheduleSource) periodic.Stats {
	if job, ok := j.(*periodic.Job); ok {
		return job.Brief()
	}
	return j.Stats()
}

// grow makes room for the jobs of a scheduler with very many.
func (inv *inventory) grow(n int) {
	if n < crowd {
		return
	}
	inv.state.Schedules = slices.Grow(inv.state.Schedules, n)
	inv.names.schedules.Grow(n)
}

// crowd is from how many on room is made before.
const crowd = 100

// schedule is what is behind one of the schedules; nothing if there is none.
func (inv *inventory) schedule(name string) []source {
	for i := range inv.state.Schedules {
		if inv.state.Schedules[i].Name == name {
			return []source{*inv.state.Schedules[i].source}
		}
	}
	return nil
}
