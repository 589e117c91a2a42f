package periodic

import (
	"log/slog"
	"slices"
	"time"
)

// What the loop does with one job. All decisions are made here, on the loop's
// goroutine; other goroutines only leave requests in the job and poke the loop.

// request is a run to start.
type request struct {
	slot    time.Time
	due     int64 // Unix nanoseconds: slot and jitter
	attempt int   // counts from 1
	trigger bool
	again   bool // asked for by ErrAgain: its slot had a run already
}

// only says whether the request is for the only run of its slot, which is to be
// counted if it comes to nothing. A further attempt, or the rest of an ErrAgain, is
// for one that had a run.
func (r request) only() bool { return r.attempt == 1 && !r.again }

// slotsOf is how many of the requests are the only run of their slot.
func slotsOf(requests []request) (n int) {
	for _, r := range requests {
		if r.only() {
			n++
		}
	}
	return n
}

// step lets the job do what is due at now and returns when it wants to be looked
// at next.
func (j *Job) step(s *Scheduler, now time.Time) int64 {
	j.mu.Lock()
	for q, due := j.questionLocked(now); due; q, due = j.questionLocked(now) {
		if ours(q.schedule) { // else the lock may not be held
			a, err := decide(q, s.scratch[:0])
			s.scratch = a.run
			j.answerLocked(q, a, err, now)
		} else if !j.consultLocked(q) {
			break
		}
	}
	hangs := j.hangsLocked(now)
	stuck := j.expireLocked(now)
	j.retryLocked(now)
	j.launchLocked(now)
	over := j.endLocked()
	err, l := j.err, j.life
	when := j.whenLocked()
	j.mu.Unlock()
	if hangs || len(stuck) > 0 || over {
		l.aside(j.name+" (its Logger)", func() error { // somebody else's code too
			if hangs {
				j.tell(slog.LevelWarn, "schedule does not return from Next")
			}
			for _, r := range stuck {
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

// questionLocked says whether there is something to decide, and what.
func (j *Job) questionLocked(now time.Time) (q question, due bool) {
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

// answerLocked carries out what was decided about slots that were due.
func (j *Job) answerLocked(q question, a answer, err error, now time.Time) {
	if err != nil {
		// Without a next slot there is nothing to go on with. The runs that are on
		// may end in peace; endLocked sees to the rest.
		j.err = opError("run", j.name, err)
		j.dropLocked()
		j.exhausted, j.replan = true, false
		return
	}
	fire, resumed := j.fire, j.resumed
	j.setScheduleLocked(j.schedule, a)
	if q.slot.IsZero() { // it was about the next slot only
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
			fire = j.last // fire was that of the first slot due
		}
		r := request{slot: latest, due: fire, attempt: 1}
		if j.running == 0 && len(j.pending) == 0 && j.home.limit == nil {
			j.startLocked(r, now) // as almost all: it need not wait, which would take memory
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

// catchUpLocked queues slots to make up for and returns how many older ones had
// to go for them. The limit of CatchUp bounds the queue here and not the policy
// for overlaps, under which all but one would be skipped; it holds also when an
// earlier catching up is not through yet.
func (j *Job) catchUpLocked(slots []time.Time) (over int) {
	for _, slot := range slots {
		j.pending = append(j.pending, request{slot: slot, due: slot.UnixNano(), attempt: 1})
	}
	n := max(len(j.pending)-max(int(j.missed), j.overlap.waiting()), 0)
	over = slotsOf(j.pending[:n])
	j.pending = slices.Delete(j.pending, 0, n)
	return over
}

// admitLocked decides whether a run may be on, or wait, beside those that are.
func (j *Job) admitLocked(r request) bool {
	busy := int(j.running) + len(j.pending)
	switch {
	case busy == 0:
	case j.overlap == Replace:
		// The new run starts when the old one has returned: until then it waits
		// in pending, and a still newer slot takes its place there.
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

// launchLocked starts the runs there is room for, or puts the job in the line for
// the limit of the scheduler.
func (j *Job) launchLocked(now time.Time) {
	if j.home.limit != nil {
		if j.readyLocked() {
			j.home.queueUp(j)
		}
		return
	}
	for j.readyLocked() {
		j.launchOneLocked(now)
	}
}

// readyLocked says whether a run waits that may begin. A run whose context ended
// long ago still takes its room until it returns.
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

// endLocked ends a job that has nothing more to do and says whether it did.
func (j *Job) endLocked() bool {
	// A paused job may get a new schedule yet.
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

// whenLocked is when the loop has to look at the job again, if nothing happens
// to it before that. Whoever makes something happen pokes the loop.
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
	} else if !a.told { // the answer will call
		when = min(when, a.since+int64(stuckAfter))
	}
	return when
}
