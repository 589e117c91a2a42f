package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// onMatching reports whether the verb is about all jobs that a filter selects.
func (v Verb) onMatching() bool {
	switch v {
	case RequeueMatching, CancelMatching, DiscardMatching, StopMatching:
		return true
	}
	return false
}

// bulk is what is done, or was done last, to many jobs of a queue.
type bulk struct {
	Verb          Verb
	Service       string
	Filter        jobFilter
	By            string
	Total         int  // that there were when it began
	AtLeast       bool // Total is not all
	Done, Skipped int
	Began, Ended  time.Time
	Error         string // why it ended before all was done
	Stopping      bool
	Lacking       bool // the audit trail lacks it

	stop context.CancelCauseFunc
}

// offer is what can be done to all jobs that match.
type offer struct {
	Verb    Verb
	Service string
	Total   int
	AtLeast bool
}

// matching are the bulks of all queues, at most one of each, and how many jobs match the
// filters of the open pages.
type matching struct {
	mu      sync.Mutex
	bulks   map[spot]*bulk
	counts  map[spot]*counted
	running sync.WaitGroup
}

// spot is a queue of a service, with a filter where there is one.
type spot struct{ queue, service, filter string }

const shownFor = 10 * time.Minute // how long the last bulk is shown

var (
	errHostStops   = errors.New("the program stops")
	errPageStopped = errors.New("the dashboard was stopped")
)

// addMatching offers what can be done with every job that is listed.
func (inv *inventory) addMatching(j *jobsPage, s source, listed []channelq.StoredJob, failed error) {
	q, can := find[matchingSource](s)
	finder, finds := find[findSource](s)
	if !can || !finds || q == nil {
		return
	}
	if b := inv.d.matching.of(j.Queue, s.service, inv.state.Time); b != nil && j.Bulk == nil {
		j.Bulk = b
	}
	if inv.d.cfg.Authorize == nil || failed != nil || len(listed) == 0 {
		return
	}
	if j.Filter.State == "" {
		j.Choose = true
		return
	}
	f, _ := j.Filter.parsed() // it was listed by it
	c := inv.d.matching.count(spot{j.Queue, s.service, j.Query()}, finder, f)
	if !c.known || c.n == 0 {
		return
	}
	if len(listed) > c.n { // more have come since they were counted
		c.n, c.exact = len(listed), false
	}
	all := map[Verb]bool{RequeueMatching: true, CancelMatching: true, DiscardMatching: true}
	for _, k := range listed {
		all[RequeueMatching] = all[RequeueMatching] && k.CanRequeue
		all[CancelMatching] = all[CancelMatching] && k.CanCancel
		all[DiscardMatching] = all[DiscardMatching] && k.CanDiscard
	}
	for _, verb := range []Verb{RequeueMatching, CancelMatching, DiscardMatching} {
		if all[verb] {
			j.All = append(j.All, offer{verb, s.service, c.n, !c.exact})
		}
	}
}

// of is a copy of the bulk of a queue, nil if there is none to show.
func (m *matching) of(queue, service string, now time.Time) *bulk {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.bulks[spot{queue: queue, service: service}]
	if b == nil || !b.Ended.IsZero() && now.Sub(b.Ended) > shownFor {
		return nil
	}
	shown := *b
	return &shown
}

// onMatching begins or ends a bulk.
func (inv *inventory) onMatching(a Action, by string) error {
	for _, s := range inv.queues[a.Name] {
		q, ok := find[matchingSource](s)
		if !ok || s.service != a.Service {
			continue
		}
		if a.Verb == StopMatching {
			return inv.d.matching.stop(a, by)
		}
		typed, unread := parseFilter(a.Filter)
		f, err := typed.parsed()
		if err = errors.Join(unread, err); err != nil {
			return refuse(http.StatusBadRequest, "%w", err)
		}
		if len(f.States) == 0 {
			return refuse(http.StatusBadRequest, "the filter names no state")
		}
		do := map[Verb]doMatching{RequeueMatching: q.RequeueJobs, CancelMatching: q.CancelJobs, DiscardMatching: q.DiscardJobs}[a.Verb]
		return inv.d.begin(s, a, by, typed, f, do)
	}
	return refuse(http.StatusNotFound, "queue %q of %q cannot do that", a.Name, a.Service)
}

type doMatching func(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error)

// begin starts a bulk, unless one is under way for the queue.
func (d *Dashboard) begin(s source, a Action, by string, typed jobFilter, f channelq.JobFilter, do doMatching) error {
	m, at := &d.matching, spot{queue: a.Name, service: a.Service}
	b := &bulk{Verb: a.Verb, Service: a.Service, Filter: typed, By: by, Began: time.Now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if was := m.bulks[at]; was != nil && was.Ended.IsZero() {
		return refuse(http.StatusConflict, "%s began to %s jobs of %s %s ago, and is at %d of %d: one at a time",
			was.By, was.Verb.simple(), a.Name, coarse(time.Since(was.Began)), was.Done+was.Skipped, was.Total)
	}
	select {
	case <-d.host.Lifetime().Stopping():
		return refuse(http.StatusConflict, "%w", errHostStops)
	default:
	}
	if c := m.counts[spot{a.Name, a.Service, b.Filter.query()}]; c != nil && c.known {
		b.Total, b.AtLeast = c.n, !c.exact
	}
	if m.bulks == nil {
		m.bulks = map[spot]*bulk{}
	}
	m.bulks[at] = b
	ctx, stop := context.WithCancelCause(context.Background())
	b.stop = stop
	m.running.Go(func() { d.run(ctx, b, s, a, f, do) })
	return nil
}

// run carries a bulk out, until the host stops.
func (d *Dashboard) run(ctx context.Context, b *bulk, s source, a Action, f channelq.JobFilter, do doMatching) {
	m := &d.matching
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-d.host.Lifetime().Stopping():
			b.stop(errHostStops)
		case <-over:
			b.stop(nil)
		}
	}()
	told := func(done, skipped int) {
		m.mu.Lock()
		defer m.mu.Unlock()
		b.Done, b.Skipped = done, skipped
	}
	err := guard.Call(func() error {
		done, skipped, err := do(ctx, f, told)
		told(done, skipped)
		return err
	})
	lacking := d.audit(s, a, lifecycle.AuditEntry{Actor: b.By, Action: string(a.Verb), Count: b.Done, Detail: a.Filter})
	m.mu.Lock()
	b.Ended, b.Error, b.Lacking = time.Now(), text(err), lacking
	if why := context.Cause(ctx); err != nil && why != nil {
		b.Error = text(why)
	}
	for at := range m.counts { // they are others now
		if at.queue == a.Name {
			delete(m.counts, at)
		}
	}
	args := []any{
		slog.String("action", string(a.Verb)), slog.String("queue", a.Name), slog.String("filter", a.Filter), slog.String("actor", b.By),
		slog.Int("done", b.Done), slog.Int("skipped", b.Skipped),
	}
	m.mu.Unlock()
	if err != nil {
		d.logger().Warn("dashboard action ended early", append(args, slog.Any("error", err))...)
		return
	}
	d.logger().Info("dashboard action ended", args...)
}

// stop ends the bulk of a queue between two pieces.
func (m *matching) stop(a Action, by string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.bulks[spot{queue: a.Name, service: a.Service}]
	if b == nil || !b.Ended.IsZero() {
		return refuse(http.StatusConflict, "nothing is under way for jobs of %s", a.Name)
	}
	b.Stopping = true
	b.stop(fmt.Errorf("%s stopped it", by))
	return nil
}

// end ends all bulks and counts. What it returns is closed when they have ended.
func (m *matching) end() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.bulks {
		if b.Ended.IsZero() {
			b.stop(errPageStopped)
		}
	}
	var counts []chan struct{}
	for _, c := range m.counts {
		if c.asking {
			c.stop()
			counts = append(counts, c.ended)
		}
	}
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		for _, ended := range counts {
			<-ended
		}
		m.running.Wait()
	}()
	return idle
}

// simple is what is done to each of the jobs.
func (v Verb) simple() Verb {
	return map[Verb]Verb{RequeueMatching: Requeue, CancelMatching: Cancel, DiscardMatching: Discard}[v]
}
