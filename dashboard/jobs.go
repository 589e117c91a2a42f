package dashboard

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
)

// Instance is one of the processes that share the store of a durable queue.
type Instance struct {
	Service string    `json:"service"` // that knows of it here
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Role    string    `json:"role"`
	Since   time.Time `json:"since"`
	Seen    time.Time `json:"seen"`
	Leads   bool      `json:"leads"`
	Own     bool      `json:"own"` // it is the one that answers

	Queues  []string      `json:"queues,omitempty"`  // that it works; none if it works none, or that is not known
	Running []InstanceJob `json:"running,omitempty"` // the oldest 20 of what it has in hand
	Hand    int           `json:"hand,omitempty"`    // how many jobs it has in hand
}

// InstanceJob is a job that a process has in hand.
type InstanceJob struct {
	Queue string    `json:"queue"` // as the process calls it
	ID    int64     `json:"id"`
	Since time.Time `json:"since"`
}

// Unlisted returns how many jobs the process has in hand that Running lacks.
func (i Instance) Unlisted() int { return max(0, i.Hand-len(i.Running)) }

// jobsPage is the jobs of one queue that a filter selects.
type jobsPage struct {
	Queue   string
	Filter  jobFilter
	List    []keptJob
	Error   string // why some are not in the list
	Further bool   // it is not the first page
	Next    string // the name of the next page; empty if there is none

	Finds  bool     // by more than the state
	Partly bool     // not all that could be on this page was looked at
	States []string // to choose from
	All    []offer  // what can be done to all that match
	Choose bool     // offers come with a state
	Bulk   *bulk    // the current or the last one; nil if there is none
}

// keptJob is one job of a durable queue, as its store knows it.
type keptJob struct {
	Service     string
	ID          int64
	State       string
	Error       string // of the last attempt that failed
	Attempts    int
	MaxAttempts int
	At          time.Time // due, taken or ended, by its state
	RescueAt    time.Time // when it is freed, as its process is gone; zero if the process lives
	Item        string    // only with Config.FormatItem

	CanCancel, CanRequeue, CanDiscard bool
}

func (inv *inventory) addInstances(service string, s *hosted.ServiceStatus) {
	many, ok := hosted.As[instanceSource](s.Service)
	if !ok {
		return
	}
	for _, i := range many.Instances() {
		inv.state.Instances = append(inv.state.Instances, Instance{
			Service: service, ID: i.ID, Host: i.Host, PID: i.PID, Role: i.Role,
			Since: i.Since, Seen: i.Seen, Leads: i.Leads, Own: i.Own,
			Queues: i.Queues, Hand: i.Hand,
		})
		own := &inv.state.Instances[len(inv.state.Instances)-1]
		for _, j := range i.Running {
			own.Running = append(own.Running, InstanceJob(j))
		}
	}
}

// jobs asks a queue for the jobs that a filter selects when a viewer opens their page. The
// name is the queue and the filter with a slash between, and behind an @ what a further page
// begins after, so that it travels where other names do. The name of a queue may have a
// slash too.
func (inv *inventory) jobs(name string) *jobsPage {
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		return nil
	}
	spec, after, further := strings.Cut(name[at+1:], "@")
	typed, _ := parseFilter(spec)
	j := &jobsPage{Queue: name[:at], Filter: typed, Further: further}
	found := false
	for _, s := range inv.queues[j.Queue] {
		if _, ok := find[keptSource](s); !ok {
			continue
		}
		found = true
		kept, next, err := j.list(s, after)
		if err != nil {
			j.Error = text(err)
		}
		if next != "" {
			j.Next = j.Filter.name(j.Queue) + "@" + next
		}
		for _, e := range kept {
			j.List = append(j.List, keptJob{
				Service: s.service, ID: e.ID, State: e.State, Error: text(e.Err), Attempts: e.Attempts, MaxAttempts: e.MaxAttempts, At: e.At, RescueAt: e.RescueAt,
				Item: inv.d.format(j.Queue, e.Item, ""), CanCancel: e.CanCancel, CanRequeue: e.CanRequeue, CanDiscard: e.CanDiscard,
			})
		}
		inv.addMatching(j, s, kept, err)
	}
	if !found {
		return nil
	}
	if i, ok := inv.at[j.Queue]; ok {
		j.States = slices.Sorted(maps.Keys(inv.state.Queues[i].States))
	}
	return j
}

// list asks one source, of which it is known that it has jobs.
func (j *jobsPage) list(s source, after string) (list []channelq.StoredJob, next string, err error) {
	err = guard.Call(func() (err error) {
		if q, ok := find[findSource](s); ok {
			j.Finds = true
			f, err := j.Filter.parsed()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), storeWait)
			defer cancel()
			list, next, err = q.FindJobs(ctx, f, after)
			j.Partly = next != "" && len(list) < listedFully
			return err
		}
		if j.Filter != (jobFilter{State: j.Filter.State}) {
			return errors.New("this queue has its jobs by state only")
		}
		if q, ok := find[pagedSource](s); ok {
			list, next, err = q.JobsPage(j.Filter.State, after)
		} else if k, ok := find[keptSource](s); ok && !j.Further {
			list = k.Jobs(j.Filter.State)
		}
		return err
	})
	return list, next, err
}

// Leader returns the badge of the process that leads.
func (v *view) Leader() badge { return badge{OK, "leads"} }
