package periodic

import (
	"context"
	"time"
)

// What a job knows of its past is in three parts, so that a hundred thousand jobs without
// failures are small. A job has no record before its first run, no trouble before its
// first failure or skip, and no detail before the first call of Stats.

// record belongs to every job that has run.
type record struct {
	base        context.Context // of the runs in this session, with the label of the job; nil before the first
	succeeded   uint64
	lastEnd     int64 // for After; Unix nanoseconds, as the next two
	lastStarted int64
	lastSuccess int64
	last        storedRun
	zone        *time.Location // of the slots; nil before a run has ended
	trouble     *trouble
	detail      *detail
}

// trouble belongs to jobs with a failure, a skip or a store.
type trouble struct {
	outcomes [len(outcomeNames)]uint64 // without successful runs
	skips    Skips
	overdue  uint64
	streak   int     // consecutive failed runs
	lost     int     // consecutive failed slots
	retry    request // the attempt that is due at retryAt
	retryAt  int64   // Unix nanoseconds; zero if no attempt is due
	saved    int64   // the last slot given to the store, in Unix nanoseconds, or zero
	err      error   // of the last run
}

// detail belongs to jobs of their own, and to those whose Stats were called.
type detail struct {
	duration distribution
	lateness distribution
	history  []remembered // a ring; at is the index of the oldest once it is full
	at       int
}

// storedRun is a Run in less than half the space.
type storedRun struct {
	slot, started      int64 // Unix nanoseconds
	lateness, duration time.Duration
	attempt            uint32
	outcome            Outcome
	trigger            bool
}

// remembered is a run in the history.
type remembered struct {
	storedRun
	err error
}

// record returns the record of the job and creates it on first use.
func (j *Job) record() *record {
	if j.rec == nil {
		j.rec = new(record)
	}
	return j.rec
}

// trouble returns the trouble of the job and creates it on first use.
func (j *Job) trouble() *trouble {
	past := j.record()
	if past.trouble == nil {
		past.trouble = new(trouble)
	}
	return past.trouble
}

// troubled returns the trouble of the job, or nil.
func (j *Job) troubled() *trouble {
	if j.rec == nil {
		return nil
	}
	return j.rec.trouble
}

// bookLocked records an ended run.
func (j *Job) bookLocked(r Run, now time.Time) {
	c := j.record()
	c.last = storedRun{
		r.Slot.UnixNano(), r.Started.UnixNano(), r.Lateness, r.Duration,
		uint32(r.Attempt), r.Outcome, r.Trigger,
	}
	c.zone, c.lastEnd = r.Slot.Location(), now.UnixNano()
	if r.Outcome == Succeeded {
		c.succeeded++
		c.lastSuccess = c.lastEnd
		if t := c.trouble; t != nil {
			t.streak, t.lost, t.retryAt, t.err = 0, 0, 0, nil
		}
	} else {
		t := j.trouble()
		t.outcomes[r.Outcome]++
		t.err = r.Err
		if r.Outcome != Canceled {
			t.streak++
		}
	}
	if c.detail == nil && (j.own || j.watched || j.extra.detailed) {
		c.detail = new(detail)
	}
	if c.detail != nil {
		c.detail.add(remembered{c.last, r.Err}, j.extra.history)
	}
}

// watchLocked makes the job keep its detail from now on, beginning with the last
// run.
func (j *Job) watchLocked() {
	if j.watched {
		return
	}
	j.watched = true
	if c := j.rec; c != nil && c.zone != nil && c.detail == nil {
		c.detail = new(detail)
		c.detail.add(remembered{c.last, c.lastErr()}, j.extra.history)
	}
}

func (d *detail) add(r remembered, keep int) {
	d.duration.add(r.duration, &durationBounds)
	d.lateness.add(r.lateness, &latenessBounds)
	switch {
	case keep <= 0:
	case len(d.history) < keep:
		if n := len(d.history); n == cap(d.history) { // append would grow past keep
			d.history = append(make([]remembered, 0, min(keep, 2*n+2)), d.history...)
		}
		d.history = append(d.history, r)
	default:
		d.history[d.at] = r
		d.at = (d.at + 1) % keep
	}
}

func (c *record) lastErr() error {
	if c.trouble == nil {
		return nil
	}
	return c.trouble.err
}

// run returns p as a Run, with the locations of the slots and of the clock.
func (c *record) run(p storedRun, err error, clock *time.Location) Run {
	return Run{
		Slot: time.Unix(0, p.slot).In(c.zone), Started: time.Unix(0, p.started).In(clock),
		Lateness: p.lateness, Duration: p.duration, Attempt: int(p.attempt), Outcome: p.outcome, Err: err, Trigger: p.trigger,
	}
}

// brief copies what Brief returns of the record into s.
func (c *record) brief(s *Stats, clock *time.Location) {
	at := func(nanos int64) (t time.Time) {
		if nanos != 0 {
			t = time.Unix(0, nanos).In(clock)
		}
		return t
	}
	s.LastStarted, s.LastSuccess = at(c.lastStarted), at(c.lastSuccess)
	if c.zone != nil {
		s.Last = c.run(c.last, c.lastErr(), clock)
	}
	if t := c.trouble; t != nil {
		s.Panics, s.OverdueRuns, s.Skipped = t.outcomes[Panicked], t.overdue, t.skips
		s.Streak, s.RetryAt = t.streak, at(t.retryAt)
	}
	if d := c.detail; d != nil {
		s.Duration = d.duration.histogram(&durationBounds)
	}
}

// fill copies the rest of the record into s.
func (c *record) fill(s *Stats, clock *time.Location) {
	s.Runs = make(map[Outcome]uint64, len(outcomeNames))
	t := c.trouble
	if t == nil {
		t = new(trouble)
	}
	for i, n := range t.outcomes {
		s.Runs[Outcome(i)] = n
	}
	s.Runs[Succeeded] = c.succeeded
	d := c.detail
	if d == nil {
		d = new(detail)
	}
	s.Duration = d.duration.histogram(&durationBounds)
	s.Lateness = d.lateness.histogram(&latenessBounds)
	n := len(d.history)
	s.History = make([]Run, n)
	for i := range n {
		old := d.history[(d.at+i)%n]
		s.History[n-1-i] = c.run(old.storedRun, old.err, clock)
	}
}
