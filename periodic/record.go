package periodic

import (
	"context"
	"time"
)

// What a job knows of its past is in three parts, so that a hundred thousand jobs
// that run as they should are small: none has a record before something happens,
// trouble before something goes wrong, or detail before somebody looks.

// record is of every job that ran.
type record struct {
	base        context.Context // of the runs in this life, with the job's label; nil: not made yet
	succeeded   uint64
	lastEnd     int64 // Unix nanoseconds, as are the next two; for After
	lastStarted int64
	lastSuccess int64
	last        past
	zone        *time.Location // of the slots; nil: no run has ended
	trouble     *trouble
	detail      *detail
}

// trouble is of jobs with a failure, a skip or a store.
type trouble struct {
	outcomes [len(outcomeNames)]uint64 // but for those that succeeded
	skips    Skips
	stuck    uint64
	streak   int     // failed runs in a row
	lost     int     // failed slots in a row
	retry    request // when retryAt is due
	retryAt  int64   // Unix nanoseconds; zero: no attempt is due
	saved    int64   // the last slot that was given to the store, Unix nanoseconds; zero: none
	err      error   // of the last run
}

// detail is of jobs on their own, and of those that are watched.
type detail struct {
	duration distribution
	lateness distribution
	history  []remembered // a ring; at points to the oldest once it is full
	at       int
}

// past is a Run as it is kept: in less than half the room.
type past struct {
	slot, started      int64 // Unix nanoseconds
	lateness, duration time.Duration
	attempt            uint32
	outcome            Outcome
	trigger            bool
}

// remembered is a run in the history.
type remembered struct {
	past
	err error
}

// record is made on first use.
func (j *Job) record() *record {
	if j.rec == nil {
		j.rec = new(record)
	}
	return j.rec
}

// trouble is made on first use.
func (j *Job) trouble() *trouble {
	past := j.record()
	if past.trouble == nil {
		past.trouble = new(trouble)
	}
	return past.trouble
}

// troubled is the job's trouble, or nil.
func (j *Job) troubled() *trouble {
	if j.rec == nil {
		return nil
	}
	return j.rec.trouble
}

// bookLocked files an ended run.
func (j *Job) bookLocked(r Run, now time.Time) {
	c := j.record()
	c.last = past{
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
		if r.Outcome != Cancelled {
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

// watchLocked makes the job keep its detail from now on, and begins with the last
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

// run is p with the zones of the job's slots and of its clock.
func (c *record) run(p past, err error, clock *time.Location) Run {
	return Run{
		Slot: time.Unix(0, p.slot).In(c.zone), Started: time.Unix(0, p.started).In(clock),
		Lateness: p.lateness, Duration: p.duration, Attempt: int(p.attempt), Outcome: p.outcome, Err: err, Trigger: p.trigger,
	}
}

// fill copies the past into s.
func (c *record) fill(s *Stats, clock *time.Location) {
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
	t := c.trouble
	if t == nil {
		t = new(trouble)
	}
	for i, n := range t.outcomes {
		s.Runs[Outcome(i)] = n
	}
	s.Runs[Succeeded] = c.succeeded
	s.Panics, s.StuckRuns, s.Skipped = t.outcomes[Panicked], t.stuck, t.skips
	s.Streak, s.RetryAt = t.streak, at(t.retryAt)
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
		s.History[n-1-i] = c.run(old.past, old.err, clock)
	}
}
