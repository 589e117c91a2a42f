package periodic

import (
	"log/slog"
	"slices"
	"time"
)

// This file is what the loop does with one job. All decisions are made here, on the
// goroutine of the loop. Other goroutines only leave requests in the job and poke the
// loop.

// request is a run to start.
type request struct {
	slot    time.Time
	due     int64 // slot plus jitter, in Unix nanoseconds
	attempt int   // counts from 1
	trigger bool
	again   bool // requested by ErrAgain: its slot has had a run
}

// only reports whether the request is for the only run of its slot. Such a slot is
// counted if the run does not happen. The slot of a retry or of an ErrAgain has had
// a run.
func (r request) only() bool { return r.attempt == 1 && !r.again }

// slotsOf returns how many of the requests are the only run of their slot.
func slotsOf(requests []request) (n int) {
	for _, r := range requests {
		if r.only() {
			n++
		}
	}
	return n
}

// tick does what is due at now and returns when the loop has to look at the job
// next.
func (j *Job) tick(s *Scheduler, now time.Time) int64 {
	j.mu.Lock()
	for q, due := j.dueLocked(now); due; q, due = j.dueLocked(now) {
		if ours(q.schedule) { // user code must not be called with the lock held
			a, err := decide(q, s.scratch[:0])
			s.scratch = a.run
			j.applyLocked(q, a, err, now)
		} else if !j.consultLocked(q) {
			break
		}
	}
	hangs := j.hangsLocked(now)
	overdue := j.expireLocked(now)
	j.retryLocked(now)
	j.launchLocked(now)
	over := j.endLocked()
	err, l := j.err, j.session
	when := j.whenLocked()
	j.mu.Unlock()
	if hangs || len(overdue) > 0 || over {
		l.aside(j.name+" (its Logger)", func() error { // the handler is user code too
			if hangs {
				j.tell(slog.LevelWarn, "schedule does not return from Next")
			}
			for _, r := range overdue {
				j.tell(slog.LevelWarn, "run ignores its timeout", "slot", r.req.slot, "timeout", j.timeout)
			}
			switch {
			case over && err != nil:
				j.tell(slog.LevelError, "job ended", "error", err)
			case over:
				j.tell(slog.LevelInfo, "schedule has ended")
			}
			return nil
		}, nil)
	}
	return when
}

// dueLocked returns what there is to decide, and whether anything is due.
func (j *Job) dueLocked(now time.Time) (q decideInput, due bool) {
	if j.state != active {
		return q, false
	}
	if !j.replan {
		if j.paused || j.slot.IsZero() || j.fire > now.UnixNano() {
			j.resumed = j.resumed && j.paused
			return q, false
		}
		q.slot = j.slot
	}
	q.schedule, q.now, q.missed, q.grace = j.schedule, now, j.missed, j.grace
	q.jitter, q.resumed = j.jitter, j.resumed
	q.seed = j.seed()
	return q, true
}

// applyLocked applies what was decided about due slots.
func (j *Job) applyLocked(q decideInput, a decision, err error, now time.Time) {
	if err != nil {
		// The job cannot go on without a next slot. Running runs may finish; then
		// endLocked ends the job.
		j.err = opError("run", j.name, err)
		j.dropLocked()
		j.exhausted, j.replan = true, false
		return
	}
	fire, resumed := j.fire, j.resumed
	j.setScheduleLocked(j.schedule, a)
	if q.slot.IsZero() { // only the next slot was planned
		return
	}
	latest := q.slot
	if n := len(a.run); n > 0 {
		latest = a.run[n-1]
	}
	j.last = latest.UnixNano()
	j.overtakeLocked()
	skips := a.missed
	switch len(a.run) {
	case 0:
	case 1:
		if !latest.Equal(q.slot) {
			fire = j.last // fire belonged to the first due slot
		}
		r := request{slot: latest, due: fire, attempt: 1}
		if j.running == 0 && len(j.pending) == 0 && j.scheduler.limit == nil {
			j.startLocked(r, now) // the usual case; waiting in pending would take memory
		} else if !j.admitLocked(r) {
			j.trouble().skips.Overlap++
		}
	default:
		skips += j.catchUpLocked(a.run)
	}
	switch {
	case skips == 0: // so that a job at rest needs no record
	case resumed:
		j.trouble().skips.Paused += uint64(skips)
	default:
		j.trouble().skips.Missed += uint64(skips)
	}
}

// catchUpLocked queues missed slots, and returns how many older ones were dropped
// for them. The limit of CatchUp bounds the queue here. The policy for overlaps
// would skip all but one. The limit also applies while an earlier catch-up is still
// in the queue.
func (j *Job) catchUpLocked(slots []time.Time) (over int) {
	for _, slot := range slots {
		j.pending = append(j.pending, request{slot: slot, due: slot.UnixNano(), attempt: 1})
	}
	n := max(len(j.pending)-max(int(j.missed), j.overlap.waiting()), 0)
	over = slotsOf(j.pending[:n])
	j.pending = slices.Delete(j.pending, 0, n)
	return over
}

// admitLocked reports whether a run may run or wait beside the others, and queues
// it if so.
func (j *Job) admitLocked(r request) bool {
	busy := int(j.running) + len(j.pending)
	switch {
	case busy == 0:
	case j.overlap == Replace:
		// The new run starts when the old one has returned. Until then it waits in
		// pending, where a newer slot may replace it.
		for old := j.runs; old != nil; old = old.older {
			old.cancel(ErrReplaced)
		}
		if n := slotsOf(j.pending); n > 0 {
			j.trouble().skips.Overlap += uint64(n)
		}
		j.pending = j.pending[:0]
	case busy >= j.overlap.width()+j.overlap.waiting():
		return false
	}
	j.pending = append(j.pending, r)
	return true
}

// behindLocked is how many waiting runs can begin only when a run has ended.
func (j *Job) behindLocked() int {
	return min(len(j.pending), max(0, int(j.running)+len(j.pending)-j.overlap.width()))
}

// launchLocked starts the runs for which there is room, or queues the job for the
// limit of the scheduler.
func (j *Job) launchLocked(now time.Time) {
	if j.scheduler.limit != nil {
		if j.readyLocked() {
			j.scheduler.queueUp(j)
		}
		return
	}
	for j.readyLocked() {
		j.launchOneLocked(now)
	}
}

// readyLocked reports whether a waiting run may begin. A run whose context was
// canceled takes its place until it returns.
func (j *Job) readyLocked() bool {
	return len(j.pending) > 0 && j.state == active && int(j.running) < j.overlap.width()
}

func (j *Job) launchOneLocked(now time.Time) *run {
	r := j.startLocked(j.pending[0], now)
	if j.pending = slices.Delete(j.pending, 0, 1); len(j.pending) == 0 {
		j.pending = nil
	}
	return r
}

// endLocked ends a job that has nothing more to do, and reports whether it did.
func (j *Job) endLocked() bool {
	// A paused job may still get a new schedule.
	if j.state != active || !j.exhausted || j.paused || j.running > 0 || len(j.pending) > 0 {
		return false
	}
	if past := j.troubled(); past != nil && past.retryAt != 0 {
		return false
	}
	j.state = ended
	j.closeLocked()
	return true
}

// whenLocked returns when the loop has to look at the job again. A goroutine that
// changes the job before that pokes the loop.
func (j *Job) whenLocked() int64 {
	when := int64(never)
	for r := j.runs; r != nil; r = r.older {
		when = min(when, r.deadline)
	}
	if j.state != active || j.paused {
		return when
	}
	if past := j.troubled(); past != nil && past.retryAt != 0 {
		when = min(when, past.retryAt)
	}
	if a := j.asked; a == nil {
		when = min(when, j.fire)
	} else if !a.logged { // the decision will poke the loop
		when = min(when, a.since+int64(overdueAfter))
	}
	return when
}
