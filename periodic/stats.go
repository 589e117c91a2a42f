package periodic

import (
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/slots"
)

// Outcome is how a run ended.
type Outcome uint8

// The outcomes of a run.
const (
	Succeeded Outcome = iota // returned nil or ErrAgain
	Failed                   // returned another error
	Panicked                 // panicked, or called runtime.Goexit
	TimedOut                 // returned an error after its timeout expired, or could not begin before that
	Canceled                 // returned an error after its context was canceled by a stop, a removal or a replacement
)

var outcomeNames = [...]string{"succeeded", "failed", "panicked", "timed_out", "canceled"}

// String returns the lower-case name, such as "timed_out".
func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeNames[o]
}

// MarshalText returns the name, so that JSON has "failed" and not 1.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Run is one run of a job.
type Run struct {
	Slot     time.Time     // the slot of the run; for a triggered run, the time of the call
	Started  time.Time     // when the run began
	Lateness time.Duration // Started minus the time when the run was due, which is the slot plus its jitter
	Duration time.Duration // zero while the run is running
	Outcome  Outcome       // not meaningful while the run is running
	Err      error         // what the function returned, or a *lifecycle.PanicError
	Attempt  int           // counts from 1; higher for a retry, see Retry
	Trigger  bool          // the run was requested by Trigger
}

// Skips counts the slots, and the accepted calls of Trigger, that led to no run, by
// reason.
type Skips struct {
	Overlap uint64 // a run was running, or the slot was replaced while it waited
	Missed  uint64 // they could not run in time, and the policy Missed did not make up for them
	Paused  uint64 // the same because of Pause
	Stopped uint64 // they waited for a run to end, or for the Limit, when the job stopped
}

// Total returns the sum of the counts.
func (s Skips) Total() uint64 { return s.Overlap + s.Missed + s.Paused + s.Stopped }

// Histogram is a distribution of durations in fixed buckets.
type Histogram struct {
	Count      uint64          // number of observations
	Sum        time.Duration   // sum of all observations
	Bounds     []time.Duration // upper bounds of the buckets, ascending
	Cumulative []uint64        // observations that are at most the bound of the same index, as in Prometheus
}

// Stats is a snapshot of a job. All counts are since New and survive a restart of
// the job.
type Stats struct {
	Name     string
	Schedule string // the String of the schedule, such as `every 5m0s`; empty if it has none, and while its Next has not returned

	Active  bool // started and not stopped, and the schedule has not ended
	Paused  bool
	GaveUp  bool
	Running int // runs that have begun and not returned
	Waiting int // slots that wait for a run to end, or for the Limit of the scheduler
	Behind  int // slots of Waiting that can begin only when a run has ended
	Overdue int // runs that have not returned a second after their timeout expired
	Streak  int // consecutive failed runs

	Next        time.Time // the next slot, without its jitter; zero if there is none or the job is paused
	RetryAt     time.Time // when the next attempt after a failure is due; zero if none is
	StuckInNext time.Time // since when the schedule has not returned from Next, if that is more than a second; otherwise zero
	LastStarted time.Time // start of the last run, which may be running; zero if there was none
	LastSuccess time.Time // end of the last successful run; zero if there was none
	Last        Run       // the last run that ended

	Runs        map[Outcome]uint64 // runs that ended; has every Outcome, including those at zero
	Panics      uint64             // the same as Runs[Panicked]
	OverdueRuns uint64             // runs that were ever Overdue
	Skipped     Skips
	Duration    Histogram
	Lateness    Histogram
	History     []Run // the last runs that ended, newest first; see Config.History, which applies to the histograms too
}

// The bounds suit jobs of a few milliseconds as well as nightly ones.
var (
	durationBounds = [...]time.Duration{
		time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond,
		500 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second, time.Minute,
		5 * time.Minute, 15 * time.Minute, time.Hour,
	}
	latenessBounds = [...]time.Duration{
		time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond,
		500 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second, time.Minute,
		5 * time.Minute, time.Hour, 24 * time.Hour,
	}
)

// distribution is the data of a Histogram. It is not cumulative, so that an
// observation changes one bucket only.
type distribution struct {
	count   uint64
	sum     time.Duration
	buckets [len(durationBounds)]uint64
}

func (t *distribution) add(d time.Duration, bounds *[len(durationBounds)]time.Duration) {
	t.count++
	t.sum += d
	for i, bound := range bounds {
		if d <= bound {
			t.buckets[i]++
			return
		}
	}
}

func (t *distribution) histogram(bounds *[len(durationBounds)]time.Duration) Histogram {
	b := &struct { // one allocation
		bounds     [len(durationBounds)]time.Duration
		cumulative [len(durationBounds)]uint64
	}{bounds: *bounds}
	h := Histogram{Count: t.count, Sum: t.sum, Bounds: b.bounds[:], Cumulative: b.cumulative[:]}
	var below uint64
	for i, n := range t.buckets {
		below += n
		h.Cumulative[i] = below
	}
	return h
}

// Stats returns a snapshot of the job. The counts are those of one moment. The cost
// grows with the history, which Stats copies. Stats does not block runs. A job in a
// scheduler keeps its history and histograms from the first call on, see
// [Config.History]; they begin with the last run.
func (j *Job) Stats() Stats {
	s, schedule := j.stats()
	s.Schedule = slots.Text(schedule)
	return s
}

// Brief returns [Job.Stats] without the fields that only a look at this one job needs:
// Schedule, Runs, Lateness and History are empty, and so is Duration before the first
// run. It costs a fraction of Stats and calls no code of the user, for who asks each of
// very many jobs. In all else it is as Stats.
func (j *Job) Brief() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.briefLocked()
}

// stats is Stats without the String of the schedule, which may be user code.
func (j *Job) stats() (Stats, Schedule) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.briefLocked()
	if j.rec == nil {
		new(record).fill(&s, nil)
	} else {
		j.rec.fill(&s, j.zoneLocked())
	}
	if j.asked != nil { // a schedule that hangs in Next may hang in String too
		return s, nil
	}
	return s, j.schedule
}

func (j *Job) briefLocked() Stats {
	s := Stats{
		Name: j.name, Active: j.state == active, Paused: j.paused, GaveUp: j.state == gaveUp,
		Running: int(j.running), Waiting: len(j.pending), Behind: j.behindLocked(), Next: j.nextLocked(),
	}
	for r := j.runs; r != nil; r = r.older {
		if r.overdue {
			s.Overdue++
		}
	}
	if a := j.asked; a != nil && a.logged {
		s.StuckInNext = time.Unix(0, a.since).In(j.zoneLocked())
	}
	j.watchLocked()
	if j.rec != nil {
		j.rec.brief(&s, j.zoneLocked())
	}
	return s
}
