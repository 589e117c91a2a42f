package dashboard

import (
	"cmp"
	"slices"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// inventory is the state and the things behind it, for the actions.
type inventory struct {
	d       *Dashboard
	waits   bool // a triggered run waits for another one
	state   State
	trails  []trail // of the services, in their order
	lacking bool    // an audit trail lacks what was done
	*memory
}

// take asks every component for its state. It holds no lock, as what it calls is
// not ours.
func (d *Dashboard) take(now time.Time) *inventory {
	inv := d.collect(now)
	s := &inv.state
	d.history.addRates(s)
	s.Stop = d.stopOf(s)
	s.judge(d.cfg.SlowAfter, &d.acks)
	return inv
}

// collect asks without a judgement.
func (d *Dashboard) collect(now time.Time) *inventory {
	m := d.remembered()
	inv := &inventory{
		d: d, memory: m,
		state: State{
			Version: 1, Time: now, Host: d.host.Name(), Phase: phaseOf(d.host.Lifetime()),
			Services: m.lists.Services, Queues: m.lists.Queues, Schedules: m.lists.Schedules,
			LastStop: d.lastStop,
		},
	}
	inv.walk("", d.host, 0)
	n := len(inv.found)
	inv.state.Queues = slices.Grow(inv.state.Queues, n)
	inv.names.queues.Reset()
	inv.names.queues.Grow(n)
	inv.names.schedules.Reset()
	inv.takeAll()
	return inv
}

func phaseOf(l *lifecycle.Lifetime) Phase {
	for _, at := range []struct {
		mark  <-chan struct{}
		phase Phase
	}{{l.Stopped(), Stopped}, {l.Stopping(), Stopping}, {l.Started(), Running}} {
		select {
		case <-at.mark:
			return at.phase
		default:
		}
	}
	return Starting
}

func serviceOf(path string, s hosted.ServiceStatus) Service {
	after := make([]string, len(s.After))
	for i, a := range s.After {
		after[i] = path + a
	}
	return Service{
		Name: path + s.Name, State: s.State, Since: s.Since, Ready: s.Ready, Critical: s.Critical,
		Restarts: s.Restarts, RestartAt: s.RestartAt, Panics: s.Panics, Error: text(s.Err), After: after,
		StartSeconds: s.StartTook.Seconds(), StopSeconds: s.StopTook.Seconds(), Leftover: s.Leftover,
		expected: lifecycle.IsExpected(s.Err), changes: s.Changes, err: s.Err,
	}
}

func leadershipOf(c candidate) *Leadership {
	l := &Leadership{Group: c.Group(), Transitions: int(c.Transitions())}
	l.Leading, l.Since, l.Fence = c.Role()
	if o, ok := c.(outageSource); ok {
		since, err := o.Outage()
		l.OutageSince, l.OutageError = since, text(err)
	}
	return l
}

// addQueue meets a queue once for each of its consumers. The books are the same
// for all of them; failures, retries, workers' pause and the oldest due item may
// be known to one alone.
func (inv *inventory) addQueue(s source, stats channelq.Stats) {
	queues := &inv.state.Queues
	i, known := inv.at[stats.Name]
	if !known {
		i = len(*queues)
		inv.at[stats.Name] = i
		*queues = append(*queues, queueOf(&stats, inv.state.Time))
	}
	q := &(*queues)[i]
	if !slices.Contains(q.Services, s.service) {
		q.Services = append(q.Services, s.service)
	}
	if slices.ContainsFunc(inv.queues[stats.Name], s.same) {
		return
	}
	inv.queues[stats.Name] = append(inv.queues[stats.Name], s)
	if at := stats.OldestDue; !at.IsZero() && (q.OldestDue.IsZero() || at.Before(q.OldestDue)) {
		q.OldestDue = at
	}
	if p, ok := find[pausedSource](s); ok && p.Paused() {
		q.Paused = true
	}
	if _, ok := find[pauser](s); ok {
		q.CanPause = true
	}
	if m, ok := find[stateSource](s); ok {
		q.States = m.States()
		if c, ok := find[countedSource](s); ok {
			q.Counted, q.Guessed = c.Counted()
			q.unknown = q.Counted.IsZero()
		}
	} else if _, ok := find[backlogSource](s); ok && !slices.Contains(q.consumers, s.service) { // who drains it at the stop; a queue alone does not
		q.consumers = append(q.consumers, s.service)
	}
	if _, ok := find[keptSource](s); ok {
		q.CanList = true
	}
	if d, ok := find[desertedSource](s); ok {
		q.deserted, q.freed = d.Deserted()
	}
	inv.addFailures(q, s)
	if l, ok := find[listedSource](s); ok { // behind the lists, which ask the store
		q.Listed = l.Listed()
		q.unlisted = q.Listed.IsZero()
	}
}

func (inv *inventory) addFailures(q *Queue, s source) {
	if r, ok := find[retrySource](s); ok {
		_, canAct := find[retrier](s)
		_, detailed := find[detailSource](s)
		for _, e := range r.Retrying() {
			q.Retrying = append(q.Retrying, Retry{
				Service: s.service, ID: e.ID, Error: text(e.Err), Attempts: e.Attempts, Due: e.Due,
				Item: inv.d.format(q.Name, e.Item, e.Description), CanAct: canAct && e.ID > 0,
				enqueued: e.EnqueuedAt, tries: e.Failed, err: e.Err, detailed: detailed && e.ID > 0,
			})
		}
	}
	f, ok := find[failureSource](s)
	if !ok {
		return
	}
	_, canAct := find[requeuer](s)
	_, stored := find[keptSource](s)
	_, detailed := find[detailSource](s)
	for _, e := range inv.seen(q.Name, s, f) {
		q.Failures = append(q.Failures, Failure{
			Service: s.service, ID: e.ID, Error: text(e.Err), Attempts: e.Attempts, Time: e.At,
			Item: inv.d.format(q.Name, e.Item, e.Description), CanAct: canAct, Expected: lifecycle.IsExpected(e.Err),
			enqueued: e.EnqueuedAt, tries: e.Failed, err: e.Err, stored: stored, detailed: detailed,
		})
	}
	slices.SortStableFunc(q.Failures, func(a, b Failure) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.ID, a.ID)) })
	slices.SortStableFunc(q.Retrying, func(a, b Retry) int { return a.Due.Compare(b.Due) })
}

func queueOf(s *channelq.Stats, now time.Time) Queue {
	return Queue{
		Name: s.Name, Services: []string{}, Mode: s.Mode.String(), Capacity: s.Capacity,
		Depth: s.Depth, HighWater: s.HighWater, InProgress: s.InProgress, Parked: s.Parked, Workers: s.Workers,
		Accepted: s.Accepted, Handled: s.Handled, TakenByHand: s.TakenByHand, GaveUp: s.GaveUp,
		Skipped: s.Skipped, Coalesced: s.Coalesced,
		Leftover: s.Leftover, Retried: s.Retried, Panics: s.Panics,
		Dropped: Dropped{Oldest: s.Dropped.Oldest, Newest: s.Dropped.Newest},
		Refused: Refused{Full: s.Refused.Full, Write: s.Refused.Write, Closed: s.Refused.Closed, Cancelled: s.Refused.Cancelled},
		Wait:    latencyOfQueue(&s.Wait), Handle: latencyOfQueue(&s.Handle),
		Retrying: []Retry{}, Failures: []Failure{}, counts: sampleOf(s, now),
	}
}

func scheduleOf(src *source, s *periodic.Stats) Schedule {
	_, canPause := find[pauser](*src)
	_, canRun := find[trigger](*src)
	out := Schedule{
		Name: s.Name, Service: src.service, Schedule: s.Schedule, Active: s.Active, Paused: s.Paused,
		CanPause: canPause, CanRun: canRun, GaveUp: s.GaveUp, Running: s.Running, Waiting: s.Waiting, Stuck: s.Overdue, Streak: s.Streak,
		Next: sayable(s.Next), StuckInNext: s.StuckInNext, RetryAt: s.RetryAt, LastStarted: s.LastStarted, LastSuccess: s.LastSuccess,
		Duration: latencyOfSchedule(&s.Duration), source: src,
		Skipped: Skipped{
			Overlap: s.Skipped.Overlap, Missed: s.Skipped.Missed, Paused: s.Skipped.Paused,
			Stopped: s.Skipped.Stopped,
		},
	}
	if s.Last.Err != nil { // a verdict needs no other
		out.last(s.Last)
	}
	return out
}

// sayable returns t, or the nearest time that JSON can hold: a rule of the program may
// name the year 12000, or a zone that is a day ahead. As an error, one such time would
// take the whole state with it.
func sayable(t time.Time) time.Time {
	const day = 24 * 60 * 60
	if _, offset := t.Zone(); t.Year() >= 0 && t.Year() <= 9999 && -day < offset && offset < day {
		return t
	}
	switch t = t.UTC(); {
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	case t.Year() < 0:
		return time.Time{}
	}
	return t
}

func (j *Schedule) last(r periodic.Run) {
	last := runOf(r)
	j.Last = &last
}

// complete asks a schedule for all of its state, as it is shown. All others are asked in
// brief, as there may be 100,000.
func (j *Schedule) complete() {
	if j.Runs != nil {
		return
	}
	name, s := j.Name, periodic.Stats{}
	err := guard.Call(func() error {
		asked, _ := find[scheduleSource](*j.source)
		s = asked.Stats()
		return nil
	})
	if err == nil {
		*j = scheduleOf(j.source, &s)
		j.Name = name
	}
	j.Runs, j.History = make(map[string]uint64, len(s.Runs)), make([]Run, len(s.History))
	for outcome, n := range s.Runs {
		j.Runs[outcome.String()] = n
	}
	for i, r := range s.History {
		j.History[i] = runOf(r)
	}
	if !s.Last.Started.IsZero() {
		j.last(s.Last)
	}
}

func runOf(r periodic.Run) Run {
	return Run{
		Slot: sayable(r.Slot), Started: r.Started, LatenessSeconds: r.Lateness.Seconds(), DurationSeconds: r.Duration.Seconds(),
		Outcome: r.Outcome.String(), Error: text(r.Err), Triggered: r.Trigger, Expected: lifecycle.IsExpected(r.Err),
		attempt: r.Attempt, err: r.Err,
	}
}

// format is an item as the program wants it shown: by the formatter or, without one,
// as its consumer describes it, which may be empty.
func (d *Dashboard) format(queue string, item any, description string) (shown string) {
	if d.cfg.FormatItem == nil {
		return plain(description)
	}
	if err := guard.Call(func() error { shown = d.cfg.FormatItem(queue, item); return nil }); err != nil {
		return "(the formatter panicked)"
	}
	return plain(shown)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	var s string
	if guard.Call(func() error { s = err.Error(); return nil }) != nil {
		return "(the error's text panicked)"
	}
	return plain(s)
}
