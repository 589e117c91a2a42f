package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
)

// pageOf is the name of the page of a job in a store.
func pageOf(id int64, service, queue string) string {
	return fmt.Sprintf("%d/%s/%s", id, service, queue)
}

// Page returns the name of the page of a job.
func (j keptJob) Page(queue string) string { return pageOf(j.ID, j.Service, queue) }

// jobPage is one job of a durable queue, as its store knows it.
type jobPage struct {
	Queue, Service string
	ID             int64
	Gone           bool   // the store has no such job
	Error          string // why it is not known; the rest is empty then

	channelq.JobDetail

	Shown string   // the item, only with Config.FormatItem
	Facts []fact   // as Shown
	Tries []jobTry // newest first
}

// fact is one of the Meta of a job.
type fact struct{ Name, Value string }

// jobTry is an attempt.
type jobTry struct {
	try

	Process string // ID; "": not known
	Outcome string // of one that did not fail
}

// jobWait is how long the page of a job waits for the store. A server that shuts down waits
// for a page that waits.
const jobWait = 2 * time.Second

// job asks a queue for one of its jobs when a viewer opens its page. Names may have a slash
// in them, so the name of the page is compared and not taken apart.
func (inv *inventory) job(name string) *jobPage {
	number, of, _ := strings.Cut(name, "/")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil
	}
	for queue, sources := range inv.queues {
		for _, s := range sources {
			one, ok := find[detailSource](s)
			if !ok || of != s.service+"/"+queue {
				continue
			}
			page := &jobPage{Queue: queue, Service: s.service, ID: id}
			err := guard.Call(func() (err error) {
				ctx, cancel := context.WithTimeout(context.Background(), jobWait)
				defer cancel()
				page.JobDetail, err = one.Job(ctx, id)
				return err
			})
			if page.Gone = errors.Is(err, fs.ErrNotExist); err != nil {
				page.Error = text(err)
				return page
			}
			inv.describe(page)
			return page
		}
	}
	return nil
}

// describe adds what the page shows of the job.
func (inv *inventory) describe(p *jobPage) {
	p.Key = plain(p.Key)
	if p.Shown = inv.d.format(p.Queue, p.Item, ""); p.Shown != "" {
		for name, value := range p.Meta {
			p.Facts = append(p.Facts, fact{plain(name), plain(value)})
		}
		slices.SortFunc(p.Facts, func(a, b fact) int { return strings.Compare(a.Name, b.Name) })
	}
	last := jobTry{try: try{Attempt: p.Attempt}, Process: p.Process}
	switch p.State {
	case "running":
		last.Outcome = "running"
		p.Tries = append(p.Tries, last)
	case "completed":
		last.Outcome, last.At = "completed", p.EndedAt
		if !p.StartedAt.IsZero() {
			last.TookSeconds = p.EndedAt.Sub(p.StartedAt).Seconds()
		}
		p.Tries = append(p.Tries, last)
	}
	for _, f := range slices.Backward(p.Failures) {
		p.Tries = append(p.Tries, jobTry{try: try{f.Attempt, f.At, f.Took.Seconds(), plain(f.Err), f.Stack}, Process: f.Process})
	}
}

// Waits reports whether the job waits for its time or for its next attempt: what requeues it
// then is said to run it now.
func (p *jobPage) Waits() bool { return p.State == "scheduled" || p.State == "retryable" }

// Unkept returns how many attempts the store has no record of.
func (p *jobPage) Unkept() int { return max(0, p.Attempt-len(p.Tries)) }

// Input returns the due time as the value of a form field, in UTC.
func (p *jobPage) Input() string { return p.DueAt.UTC().Format("2006-01-02T15:04:05") }

// Due returns the due time that the page shows, in full precision.
func (p *jobPage) Due() string { return p.DueAt.UTC().Format(time.RFC3339Nano) }

// JobState returns the badge of a job.
func (v *view) JobState(state string) badge {
	switch state {
	case "completed", "running":
		return badge{OK, state}
	case "discarded":
		return badge{Failed, state}
	case "retryable":
		return badge{Warning, state}
	}
	return badge{"", state}
}

// Held reports whether the job of the page waits and its queue is paused.
func (v *view) Held() bool {
	if !slices.Contains([]string{"available", "pending", "retryable", "scheduled"}, v.Job.State) {
		return false
	}
	return slices.ContainsFunc(v.State.Queues, func(q Queue) bool { return q.Name == v.Job.Queue && q.Paused })
}

// JobPage returns the name of the page of a job.
func (v *view) JobPage(id int64, service, queue string) string { return pageOf(id, service, queue) }

// Process returns the host and PID of a process that is listed, or else its ID.
func (v *view) Process(id string) string {
	if id == "" {
		return "not known"
	}
	for _, i := range v.State.Instances {
		if i.ID == id {
			return fmt.Sprintf("%s %d", i.Host, i.PID)
		}
	}
	return id
}

// QueueOn returns the name on this page of a queue that a process works, or "" if this
// process does not have that queue.
func (v *view) QueueOn(service, queue string) string {
	for _, q := range v.State.Queues {
		if (q.Name == queue || strings.HasSuffix(q.Name, "/"+queue)) && q.CanList && slices.Contains(q.Services, service) {
			return q.Name
		}
	}
	return ""
}

// PageOn returns the name of the page of a job.
func (j InstanceJob) PageOn(service, queue string) string { return pageOf(j.ID, service, queue) }

// ActOnJob returns an action on the job of the page.
func (v *view) ActOnJob(verb Verb) row {
	p := v.Job
	return row{v, Action{
		Verb: verb, Kind: KindQueue, Name: p.Queue, Service: p.Service, ID: p.ID, seen: p.Attempt + 1,
	}}
}

// parseSeen reads what a form says of the job as it was shown, and when it is to be due.
func (a *Action) parseSeen(form url.Values) (err error) {
	if a.Verb == Requeue {
		if text := form.Get("attempts"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > 1<<20 {
				return refuse(http.StatusBadRequest, "the attempts are not a number from 0 on")
			}
			a.seen = n + 1
		}
	}
	if a.Verb != Reschedule {
		return nil
	}
	if text := form.Get("from"); text != "" {
		if a.from, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return refuse(http.StatusBadRequest, "the time at which it was due is not one of RFC 3339")
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} { // the latter are of a browser, in UTC
		if a.At, err = time.Parse(layout, form.Get("at")); err == nil {
			if now := time.Now(); a.At.Before(now) {
				a.At = now // which is what a store makes of it
			}
			return nil
		}
	}
	return refuse(http.StatusBadRequest, "the time is none: want one of RFC 3339, or of UTC as in 2006-01-02T15:04")
}
