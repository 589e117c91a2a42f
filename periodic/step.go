package periodic

import (
	"context"
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
	trigger bool
}

// activate makes the job ready for the loop and returns when that has to look at
// it first. It calls the schedule and the store, on the caller's goroutine.
func (j *Job) activate(ctx context.Context, l *life, now time.Time) (when int64, err error) {
	last := j.load(ctx)
	if last.After(now) {
		last = time.Time{} // the clock was wrong then; better a run too many than none for years
	}
	j.mu.Lock()
	schedule := j.schedule
	j.mu.Unlock()
	schedule = bind(schedule, j.anchor(schedule, last, now))
	from := now
	if !last.IsZero() && !j.runAtStart {
		from = last
	}
	a, err := decide(question{schedule: schedule, now: from, jitter: j.jitter, seed: j.seed()}, nil)
	if err != nil {
		return never, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == removed {
		return never, ErrNotRunning
	}
	if j.closed {
		j.done, j.closed, j.err = nil, false, nil
	}
	j.state, j.life, j.resumed, j.replan = active, l, false, false
	j.last = 0
	if j.rec != nil {
		j.rec.streak, j.rec.retryAt = 0, time.Time{}
	}
	j.setScheduleLocked(schedule, a)
	switch {
	case !j.runAtStart:
	case j.paused:
		j.record().skips.Paused++
	default:
		j.pending = append(j.pending, request{slot: now, due: now.UnixNano()})
	}
	if j.runAtStart || j.exhausted {
		return now.UnixNano(), nil
	}
	return j.whenLocked(), nil
}

// anchor is where the grid of Every begins.
func (j *Job) anchor(s Schedule, last, now time.Time) time.Time {
	r, ok := s.(rate)
	switch {
	case !ok:
		return time.Unix(0, 0)
	case !last.IsZero():
		return last
	case j.runAtStart || j.phase < 0:
		return now
	case j.phase > 0:
		return now.Add(j.phase % r.d)
	default:
		return now.Add(spread(seedOf(j.name), r.d))
	}
}

// seed is what jitter depends on beside the slot.
func (j *Job) seed() uint64 {
	if j.jitter <= 0 {
		return 0
	}
	return seedOf(j.name)
}

// deactivate ends what activate began.
func (j *Job) deactivate() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closeLocked()
	j.life = nil
	if j.state == active {
		j.state = idle
		j.dropLocked()
	}
}

// dropLocked forgets all plans. Slots that were admitted are accounted for.
func (j *Job) dropLocked() {
	if n := len(j.pending); n > 0 {
		j.record().skips.Stopped += uint64(n)
		j.pending = nil
	}
	if j.rec != nil {
		j.rec.retryAt = time.Time{}
	}
	j.slot, j.fire = time.Time{}, never
	j.gen++
}

// step lets the job do what is due at now and returns when it wants to be looked
// at next.
func (j *Job) step(s *Scheduler, now time.Time) int64 {
	for {
		j.mu.Lock()
		q, due := j.questionLocked(now)
		if !due {
			break
		}
		gen := j.gen
		j.mu.Unlock()
		a, err := decide(q, s.scratch[:0])
		s.scratch = a.run
		j.mu.Lock()
		if j.gen == gen { // else ask again
			j.answerLocked(q, a, err)
		}
		j.mu.Unlock()
	}
	stuck := j.expireLocked(now)
	j.retryLocked(now)
	j.launchLocked(now)
	over := j.endLocked()
	err := j.err
	when := j.whenLocked()
	j.mu.Unlock()
	for _, r := range stuck {
		j.tell(slog.LevelWarn, "run ignores its timeout", "slot", r.req.slot, "timeout", j.timeout)
	}
	switch {
	case over && err != nil:
		j.tell(slog.LevelError, "job ended", "error", err)
	case over:
		j.tell(slog.LevelInfo, "schedule has ended")
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
func (j *Job) answerLocked(q question, a answer, err error) {
	if err != nil {
		j.err = opError("run", j.name, err)
		j.dropLocked()
		j.exhausted, j.replan = true, false
		return
	}
	fire := j.fire
	resumed := j.resumed
	j.setScheduleLocked(j.schedule, a)
	if q.slot.IsZero() {
		return
	}
	j.last = q.slot.UnixNano()
	if n := len(a.run); n > 0 {
		j.last = a.run[n-1].UnixNano()
	}
	skips := a.missed
	if past := j.rec; past != nil && !past.retryAt.IsZero() {
		past.skips.Backoff += uint64(len(a.run) + a.missed)
		past.retrySlot = time.Unix(0, j.last).In(q.slot.Location())
		return
	}
	switch len(a.run) {
	case 0:
	case 1:
		if !a.run[0].Equal(q.slot) {
			fire = j.last
		}
		if !j.admitLocked(request{slot: a.run[0], due: fire}) {
			j.record().skips.Overlap++
		}
	default:
		// The limit of CatchUp bounds them, not the policy for overlaps, and
		// also if an earlier catching up is not through yet.
		for _, slot := range a.run {
			j.pending = append(j.pending, request{slot: slot, due: slot.UnixNano()})
		}
		if over := len(j.pending) - max(int(j.missed), j.overlap.waiting()); over > 0 {
			j.pending = slices.Delete(j.pending, 0, over)
			skips += over
		}
	}
	switch {
	case skips == 0:
	case resumed:
		j.record().skips.Paused += uint64(skips)
	default:
		j.record().skips.Missed += uint64(skips)
	}
}

// setScheduleLocked puts a plan into the job.
func (j *Job) setScheduleLocked(s Schedule, a answer) {
	_, fixed := s.(delay) // its next slot is set when a run ends
	j.schedule, j.slot, j.fire = s, a.next, never
	if !a.next.IsZero() {
		j.fire = a.fire.UnixNano()
	}
	j.exhausted = a.next.IsZero() && !fixed
	j.replan, j.resumed = false, false
}

// admitLocked decides whether a run may be on, or wait, beside those that are.
func (j *Job) admitLocked(r request) bool {
	busy := int(j.running) + len(j.pending)
	switch {
	case busy == 0:
	case j.overlap == Replace:
		for old := j.runs; old != nil; old = old.older {
			old.cancel(ErrReplaced)
		}
		if n := len(j.pending); n > 0 {
			j.record().skips.Overlap += uint64(n)
			j.pending = j.pending[:0]
		}
	case busy >= j.overlap.width()+j.overlap.waiting():
		return false
	}
	j.pending = append(j.pending, r)
	return true
}

// retryLocked asks for the run that a failed job waits for.
func (j *Job) retryLocked(now time.Time) {
	past := j.rec
	if j.state != active || j.paused || past == nil || past.retryAt.IsZero() || past.retryAt.After(now) {
		return
	}
	r := request{slot: past.retrySlot, due: past.retryAt.UnixNano()}
	past.retryAt = time.Time{}
	if !j.admitLocked(r) {
		past.skips.Overlap++
	}
}

// launchLocked starts the runs there is room for.
func (j *Job) launchLocked(now time.Time) {
	n := 0
	for n < len(j.pending) && j.state == active && int(j.running) < j.overlap.width() {
		j.startLocked(j.pending[n], now)
		n++
	}
	if n > 0 {
		j.pending = slices.Delete(j.pending, 0, n)
	}
}

// endLocked ends a job that has nothing more to do and says whether it did.
func (j *Job) endLocked() bool {
	if j.state != active || !j.exhausted || j.paused || j.running > 0 || len(j.pending) > 0 {
		return false
	}
	if j.rec != nil && !j.rec.retryAt.IsZero() {
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
	when = min(when, j.fire)
	if j.rec != nil && !j.rec.retryAt.IsZero() {
		when = min(when, j.rec.retryAt.UnixNano())
	}
	return when
}

// setSchedule is SetSchedule with a valid schedule.
func (j *Job) setSchedule(s Schedule) error {
	for {
		j.mu.Lock()
		state, gen, last, home := j.state, j.gen, j.last, j.home
		var lastEnd int64
		if j.rec != nil {
			lastEnd = j.rec.lastEnd
		}
		switch state {
		case active:
			j.mu.Unlock()
		case ended, removed:
			j.mu.Unlock()
			return ErrNotRunning
		default:
			j.schedule = s
			j.mu.Unlock()
			return nil
		}
		now := home.time.now()
		anchor := now
		if last != 0 {
			anchor = time.Unix(0, last)
		}
		q := question{schedule: bind(s, anchor), now: now, jitter: j.jitter, seed: j.seed()}
		_, fixed := s.(delay)
		if fixed && lastEnd != 0 {
			q.now = time.Unix(0, lastEnd)
		}
		a, err := decide(q, nil)
		if err != nil {
			return err
		}
		j.mu.Lock()
		if j.gen != gen || j.state != state {
			j.mu.Unlock()
			continue
		}
		if fixed && j.running > 0 {
			a = answer{}
		}
		j.gen++
		j.setScheduleLocked(q.schedule, a)
		j.mu.Unlock()
		home.poke(j)
		return nil
	}
}
