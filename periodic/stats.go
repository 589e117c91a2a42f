package periodic

import (
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/slots"
)

// Outcome says how a run ended.
type Outcome uint8

// The outcomes of a run.
const (
	Succeeded Outcome = iota // returned nil or ErrAgain
	Failed                   // returned another error
	Panicked                 // panicked, or ended its goroutine with runtime.Goexit
	TimedOut                 // returned an error after its timeout, or could not begin before that
	Cancelled                // returned an error after it was cancelled: stop, removal, replacement
)

var outcomeNames = [...]string{"succeeded", "failed", "panicked", "timed_out", "cancelled"}

// String returns the lower-case name, such as "timed_out".
func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeNames[o]
}

// MarshalText writes the name, so that JSON reads "failed" and not 1.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Run is one run of a job.
type Run struct {
	Slot     time.Time     // the slot it was for; of a triggered run, the time of the call
	Started  time.Time     // when it really began
	Lateness time.Duration // Started minus the time it was due: the slot plus its jitter
	Duration time.Duration // zero while it is on
	Outcome  Outcome       // of no meaning while it is on
	Err      error         // what it returned, or a *lifecycle.PanicError
	Attempt  int           // 1; higher when it was made again after a failure, see Retry
	Trigger  bool          // it was asked for by Trigger
}

// Skips counts slots, and calls of Trigger that were accepted, which led to no run,
// by why.
type Skips struct {
	Overlap uint64 // a run was on, or was replaced while it waited
	Missed  uint64 // nobody could fire them in time, and Missed did not make up for them
	Paused  uint64 // the same, because of Pause
	Stopped uint64 // admitted, but not begun when the job stopped: they waited for a run to end, or for the Limit
}

// Total is the sum of the counts.
func (s Skips) Total() uint64 { return s.Overlap + s.Missed + s.Paused + s.Stopped }

// Histogram is a distribution of durations in fixed buckets.
type Histogram struct {
	Count      uint64          // all observations
	Sum        time.Duration   // of all observations
	Bounds     []time.Duration // upper bounds of the buckets, ascending
	Cumulative []uint64        // observations of at most the bound of the same index, as in Prometheus
}

// Stats is a job at one moment. All counts are since New; they survive a restart
// of the job.
type Stats struct {
	Name     string
	Schedule string // its String, such as `every 5m0s`; empty if it has none, and while Next has not returned

	Active  bool // started, not stopped, its schedule not ended
	Paused  bool
	GaveUp  bool
	Running int // runs that are on
	Waiting int // slots that wait for a run to end, or for the Limit of the scheduler
	Stuck   int // runs that are on although their timeout was over a second ago
	Streak  int // failed runs in a row

	Next        time.Time // the next slot, without its jitter; zero: none, or paused
	RetryAt     time.Time // when the next attempt after a failure is due; zero: none
	StuckInNext time.Time // since when the schedule's Next has not returned, if that is over a second; zero: it has
	LastStarted time.Time // zero: never; also set while the run is on
	LastSuccess time.Time // end of the last successful run
	Last        Run       // the last run that ended

	Runs      map[Outcome]uint64 // that ended; has every Outcome, also those at zero
	Panics    uint64             // the same as Runs[Panicked]
	StuckRuns uint64             // runs that were Stuck, ever
	Skipped   Skips
	Duration  Histogram
	Lateness  Histogram
	History   []Run // the last runs that ended, newest first; see Config.History, also for the histograms
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

// distribution is behind a Histogram, not cumulative, so that an
// observation touches one bucket.
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
	h := Histogram{
		Count: t.count, Sum: t.sum,
		Bounds: append([]time.Duration(nil), bounds[:]...), Cumulative: make([]uint64, len(bounds)),
	}
	var below uint64
	for i, n := range t.buckets {
		below += n
		h.Cumulative[i] = below
	}
	return h
}

// Stats returns what the job did and does. The counts are those of one moment. It
// copies the history, so what it costs grows with that; nothing waits for it. A job
// in a scheduler keeps its history and histograms from the first call on, see
// [Config.History]; they begin with the last run.
func (j *Job) Stats() Stats {
	s, schedule := j.stats()
	s.Schedule = slots.Text(schedule)
	return s
}

// stats is Stats without what may be somebody else's code.
func (j *Job) stats() (Stats, Schedule) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Stats{
		Name: j.name, Active: j.state == active, Paused: j.paused, GaveUp: j.state == gaveUp,
		Running: int(j.running), Waiting: len(j.pending), Next: j.nextLocked(),
		Runs: make(map[Outcome]uint64, len(outcomeNames)),
	}
	for r := j.runs; r != nil; r = r.older {
		if r.stuck {
			s.Stuck++
		}
	}
	if a := j.asked; a != nil && a.told {
		s.StuckInNext = time.Unix(0, a.since).In(j.zoneLocked())
	}
	j.watchLocked()
	if j.rec == nil {
		new(record).fill(&s, nil)
	} else {
		j.rec.fill(&s, j.zoneLocked())
	}
	if j.asked != nil { // what holds up its Next may hold up its String
		return s, nil
	}
	return s, j.schedule
}
