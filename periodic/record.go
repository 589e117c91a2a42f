package periodic

import (
	"context"
	"time"
)

// record is what a job knows of its past. A job has none until something
// happens, so that jobs at rest are small.
type record struct {
	base        context.Context // of the runs in this life, with the job's label; nil: not made yet
	streak      int
	lastEnd     int64 // Unix nanoseconds, for After
	saved       int64 // the last slot that was given to the store, Unix nanoseconds; zero: none
	retryAt     time.Time
	retrySlot   time.Time
	lastStarted time.Time
	lastSuccess time.Time
	last        past
	zone        *time.Location // of the slots
	outcomes    [len(outcomeNames)]uint64
	stuck       uint64
	skips       Skips
	duration    distribution
	lateness    distribution
	history     []past // a ring; at points to the oldest once it is full
	at          int
}

// remember files an ended run.
func (c *record) remember(r Run, keep int) {
	c.last = past{
		r.Slot.UnixNano(), r.Started.UnixNano(), r.Lateness, r.Duration, r.Err, r.Outcome, r.Trigger,
	}
	c.zone = r.Slot.Location()
	c.outcomes[r.Outcome]++
	c.duration.add(r.Duration, &durationBounds)
	c.lateness.add(r.Lateness, &latenessBounds)
	switch {
	case keep <= 0:
	case len(c.history) < keep:
		if n := len(c.history); n == cap(c.history) { // append would grow past keep
			c.history = append(make([]past, 0, min(keep, 2*n+2)), c.history...)
		}
		c.history = append(c.history, c.last)
	default:
		c.history[c.at] = c.last
		c.at = (c.at + 1) % keep
	}
}

// past is a Run as it is kept: in little more than half the room.
type past struct {
	slot, started      int64 // Unix nanoseconds
	lateness, duration time.Duration
	err                error
	outcome            Outcome
	trigger            bool
}

// run is p with the zones of the job's slots and of its clock.
func (c *record) run(p past) Run {
	if c.zone == nil { // none has ended
		return Run{}
	}
	return Run{
		Slot: time.Unix(0, p.slot).In(c.zone), Started: time.Unix(0, p.started).In(c.lastStarted.Location()),
		Lateness: p.lateness, Duration: p.duration, Outcome: p.outcome, Err: p.err, Trigger: p.trigger,
	}
}

// fill copies the past into s.
func (c *record) fill(s *Stats) {
	for i, n := range c.outcomes {
		s.Runs[Outcome(i)] = n
	}
	s.Panics, s.StuckRuns = c.outcomes[Panicked], c.stuck
	s.Streak, s.RetryAt = c.streak, c.retryAt
	s.LastStarted, s.LastSuccess, s.Last = c.lastStarted, c.lastSuccess, c.run(c.last)
	s.Skipped = c.skips
	s.Duration = c.duration.histogram(&durationBounds)
	s.Lateness = c.lateness.histogram(&latenessBounds)
	n := len(c.history)
	s.History = make([]Run, n)
	for i := range n {
		s.History[n-1-i] = c.run(c.history[(c.at+i)%n])
	}
}
