package periodic

import (
	"fmt"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/backoff"
)

// Retry says how often and when a failed run is retried for the same slot. Retries
// end with a success, when the attempts are used up, or with the next slot: an
// attempt that would begin at the next slot or later is not made, and a run during
// which the next slot came is not retried. The job then waits for its schedule, and
// the next slot has all attempts again. The zero value tries once.
//
// The delay before an attempt is random, between zero and a bound. The bound starts
// at Initial and grows by Factor up to Max. The randomness keeps jobs that failed
// together from retrying together. AWS calls it full jitter.
type Retry struct {
	Attempts int           // attempts for one slot, the first included; if 0 or 1, there is no retry and the others must be zero
	Initial  time.Duration // bound of the first delay; if zero, 500 ms
	Max      time.Duration // cap of all bounds; if zero, a minute, or Initial if that is longer
	Factor   float64       // growth of the bound, at least 1; if zero, 2
}

func (r Retry) policy() backoff.Policy {
	return backoff.Policy{Initial: r.Initial, Max: r.Max, Factor: r.Factor}.Or(500*time.Millisecond, time.Minute)
}

// validate names the field that is wrong.
func (r Retry) validate() error {
	if r.Attempts < 0 {
		return fmt.Errorf("Retry.Attempts is negative: %d", r.Attempts)
	}
	if err := r.policy().Validate(); err != nil {
		return fmt.Errorf("Retry.%w", err)
	}
	if r.Attempts <= 1 && r != (Retry{Attempts: r.Attempts}) {
		return fmt.Errorf("Retry has no effect: Retry.Attempts counts all runs for a slot, and %d means no retry", r.Attempts)
	}
	return nil
}

// retryAfterLocked plans another attempt for the slot of a run that failed, and
// reports whether there is one.
func (j *Job) retryAfterLocked(r *run, now time.Time) bool {
	if r.req.attempt >= j.extra.attempts || r.overtaken || len(j.pending) > 0 {
		return false
	}
	at := nanos(now.Add(j.extra.retry.Delay(r.req.attempt)))
	next := j.fire
	if d, ok := j.schedule.(delay); ok { // the end of this run sets its next slot
		next = nanos(now.Add(d.d))
	}
	if at >= next {
		return false
	}
	past := j.trouble()
	past.retryAt = at
	past.retry = request{slot: r.req.slot, attempt: r.req.attempt + 1, trigger: r.req.trigger}
	return true
}

// overtakeLocked ends the attempts for older slots because a newer slot is due.
func (j *Job) overtakeLocked() {
	for r := j.runs; r != nil; r = r.older {
		r.overtaken = true
	}
	if past := j.troubled(); past != nil && past.retryAt != 0 {
		past.retryAt = 0
		past.lost++
	}
	waits := len(j.pending)
	if waits == 0 {
		return
	}
	// Attempts that wait for the limit of the scheduler, or for another run to end.
	j.pending = slices.DeleteFunc(j.pending, func(r request) bool { return r.attempt > 1 && !r.again })
	if n := waits - len(j.pending); n > 0 {
		j.trouble().lost += n
	}
}

// retryLocked queues the attempt that is due.
func (j *Job) retryLocked(now time.Time) {
	past := j.troubled()
	if j.state != active || j.paused || past == nil || past.retryAt == 0 || past.retryAt > now.UnixNano() {
		return
	}
	r := past.retry
	r.due, past.retryAt = past.retryAt, 0
	if !j.admitLocked(r) {
		past.lost++ // its slot had a run, so it is not counted as skipped
	}
}
