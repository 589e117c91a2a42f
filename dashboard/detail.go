package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// Page returns the name of the page of a failure.
func (f Failure) Page(queue string) string {
	if f.detailed {
		return pageOf(f.ID, f.Service, queue)
	}
	return fmt.Sprintf("failure/%d/%s/%s", f.ID, f.Service, queue)
}

// Page returns the name of the page of an item that waits for its retry.
func (r Retry) Page(queue string) string {
	if r.detailed {
		return pageOf(r.ID, r.Service, queue)
	}
	return fmt.Sprintf("retry/%d/%s/%s", r.ID, r.Service, queue)
}

// Detailed reports whether it is a job in a store, with a page of its own.
func (f Failure) Detailed() bool { return f.detailed }

// Detailed reports whether it is a job in a store, with a page of its own.
func (r Retry) Detailed() bool { return r.detailed }

// Page returns the name of the page of a run.
func (r Run) Page(schedule string) string {
	return schedule + "/" + strconv.FormatInt(r.Started.UnixNano(), 10)
}

// itemPage is an item that failed. One of Failure and Retry is nil.
type itemPage struct {
	Queue    string
	Failure  *Failure
	Retry    *Retry
	Service  string
	ID       int64
	Item     string
	Attempts int
	Enqueued time.Time
	Tries    []try // newest first
}

// try is an attempt that failed.
type try struct {
	Attempt      int
	At           time.Time // zero if not known
	TookSeconds  float64   // 0 if not measured
	Error, Stack string
}

// Item returns the item that the page is about, or nil if the item is not listed. Names may
// have a slash in them, so the name of the page is compared and not taken apart.
func (v *view) Item() *itemPage {
	for i := range v.State.Queues {
		q := &v.State.Queues[i]
		if !strings.HasSuffix(v.Name, "/"+q.Name) {
			continue
		}
		for j := range q.Failures {
			if f := &q.Failures[j]; f.Page(q.Name) == v.Name {
				return &itemPage{
					Queue: q.Name, Failure: f, Service: f.Service, ID: f.ID, Item: f.Item, Attempts: f.Attempts,
					Enqueued: f.enqueued, Tries: triesOf(f.tries, try{f.Attempts, f.Time, 0, f.Error, stackOf(f.err)}),
				}
			}
		}
		for j := range q.Retrying {
			if r := &q.Retrying[j]; r.ID > 0 && r.Page(q.Name) == v.Name {
				return &itemPage{
					Queue: q.Name, Retry: r, Service: r.Service, ID: r.ID, Item: r.Item, Attempts: r.Attempts,
					Enqueued: r.enqueued, Tries: triesOf(r.tries, try{r.Attempts, time.Time{}, 0, r.Error, stackOf(r.err)}),
				}
			}
		}
	}
	return nil
}

// triesOf are the attempts that are known, at least the last one.
func triesOf(known []channelq.AttemptFailure, last try) (all []try) {
	for _, a := range slices.Backward(known) {
		all = append(all, try{a.Attempt, a.At, a.Took.Seconds(), text(a.Err), stackOf(a.Err)})
	}
	if len(all) == 0 || all[0].Attempt != last.Attempt {
		all = slices.Insert(all, 0, last)
	}
	return all
}

// stackOf is the stack of a panic, "" if err is none.
func stackOf(err error) (stack string) {
	_ = guard.Call(func() error {
		if caught := (*lifecycle.PanicError)(nil); errors.As(err, &caught) {
			stack = string(caught.Stack)
		}
		return nil
	})
	return stack
}

// runPage is a run of a schedule.
type runPage struct {
	Run
	Schedule string
	Attempt  int
	Stack    string
}

// Run returns the run that the page is about, or nil if the run is no longer listed.
func (v *view) Run() *runPage {
	for i := range v.State.Schedules {
		j := &v.State.Schedules[i]
		if rest, ok := strings.CutPrefix(v.Name, j.Name); !ok || !strings.HasPrefix(rest, "/") {
			continue
		}
		j.complete()
		for _, r := range j.History {
			if r.Page(j.Name) == v.Name {
				return &runPage{Run: r, Schedule: j.Name, Attempt: r.attempt, Stack: stackOf(r.err)}
			}
		}
	}
	return nil
}

// Service returns the service that the page is about, or nil if there is none.
func (v *view) Service() *Service {
	for i := range v.State.Services {
		if s := &v.State.Services[i]; s.Name == v.Name {
			return s
		}
	}
	return nil
}

// change is a state that a service entered, and why.
type change struct {
	State        badge
	At           time.Time
	Error, Stack string
}

// Changes are the last states of a service, newest first.
func (v *view) Changes(s Service) (all []change) {
	for _, c := range slices.Backward(s.changes) {
		all = append(all, change{v.ServiceState(c.State.String()), c.At, text(c.Err), stackOf(c.Err)})
	}
	if len(all) > 0 || s.Since.IsZero() {
		return all
	}
	all = []change{{State: v.ServiceState(s.State.String()), At: s.Since}}
	if s.StartSeconds > 0 && s.State == lifecycle.Running {
		began := s.Since.Add(-time.Duration(s.StartSeconds * float64(time.Second)))
		all = append(all, change{State: v.ServiceState(lifecycle.Starting.String()), At: began})
	}
	return all
}

// QueuesOf are the names of the queues that a service uses.
func (v *view) QueuesOf(s Service) (names []string) {
	for i := range v.State.Queues {
		if q := &v.State.Queues[i]; slices.Contains(q.Services, s.Name) && len(names) < topSize {
			names = append(names, q.Name)
		}
	}
	return names
}

// SchedulesOf are the names of its schedules.
func (v *view) SchedulesOf(s Service) (names []string) {
	for i := range v.State.Schedules {
		if j := &v.State.Schedules[i]; j.Service == s.Name && len(names) < topSize {
			names = append(names, j.Name)
		}
	}
	return names
}

// serveStacks answers with the stacks of a service. They stop the world for a moment and
// say more than a page, so the user must be allowed to act, and come from the page.
func (d *Dashboard) serveStacks(w http.ResponseWriter, r *http.Request) {
	a := Action{Verb: Stacks, Kind: KindService, Name: r.FormValue("name")}
	var err error
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case site == "cross-site" || site == "same-site":
		err = errors.New("the request comes from another site")
	case d.cfg.Authorize == nil:
		err = errors.New("this dashboard is read-only")
	default:
		err = guard.Call(func() error { return d.cfg.Authorize(r, a) })
	}
	if err != nil {
		d.serveError(w, http.StatusForbidden, "not allowed: "+text(err))
		return
	}
	actor, _ := d.actor(r)
	d.logAction(r, actor, a, nil)
	stacks, known := stacksOf(d.host, a.Name)
	if !known {
		d.serveError(w, http.StatusNotFound, "There is no such service.")
		return
	}
	if stacks == "" {
		stacks = "It has no goroutine of its own.\n"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(stacks))
}

// stacksOf finds the host that a service is in: "outer/inner".
func stacksOf(h *hosted.Host, name string) (stacks string, known bool) {
	for _, s := range h.Services() {
		if s.Name == name {
			return h.Stacks()[name], true
		}
		if inner, ok := strings.CutPrefix(name, s.Name+"/"); ok {
			if nested, ok := hosted.As[*hosted.Host](s.Service); ok {
				return stacksOf(nested, inner)
			}
		}
	}
	return "", false
}
