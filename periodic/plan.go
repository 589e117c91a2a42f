package periodic

import (
	"context"
	"time"
)

// activate makes the job ready for the loop and returns when the loop has to look
// at it first. It calls the schedule and the store. It changes nothing if the
// session has ended meanwhile. A schedule of the user may take longer than p lasts;
// its decision then reaches the loop later.
func (j *Job) activate(ctx context.Context, l *session, now time.Time, p *patience) (when int64, err error) {
	last := j.load(ctx)
	if last.After(now) {
		last = time.Time{} // the clock was wrong then; one run too many is better than none for years
	}
	for {
		j.mu.Lock()
		schedule, version, atStart := j.schedule, j.version, j.runAtStart && last.IsZero()
		skip := atStart && j.paused
		j.mu.Unlock()
		q := j.first(schedule, last, now)
		q.first = atStart && !skip
		a := j.consult(l, q, version, now)
		answered := p.wait(a)
		j.mu.Lock()
		switch {
		case answered && a.err != nil:
			err = a.err
		case j.state == removed:
			err = ErrNotRunning
		case j.version != version: // Pause or SetSchedule was called: try again
			j.mu.Unlock()
			continue
		case !l.retired.Load():
			when = j.activateLocked(l, now, a, answered)
			if skip {
				j.trouble().skips.Paused++
			}
		}
		j.mu.Unlock()
		return when, err
	}
}

// activateLocked gives the job its plan. Runs left over from an earlier session
// still count as running. Its slots, streak and retry are discarded.
func (j *Job) activateLocked(l *session, now time.Time, a *ask, answered bool) (when int64) {
	if j.closed {
		j.done, j.closed = nil, false
	}
	j.state, j.session, j.err = active, l, nil
	j.last, j.held = 0, false
	if j.rec != nil {
		j.rec.base = nil
	}
	if past := j.troubled(); past != nil {
		past.streak, past.lost, past.retryAt, past.saved = 0, 0, 0, 0
	}
	if answered {
		j.setScheduleLocked(a.q.schedule, a.decision)
	} else {
		j.setScheduleLocked(a.q.schedule, decision{})
		j.asked, j.replan, j.exhausted = a, true, false
	}
	if j.exhausted { // the loop ends the job
		return now.UnixNano()
	}
	return j.whenLocked()
}

// first returns the input for the first slot of a session.
func (j *Job) first(s Schedule, last, now time.Time) decideInput {
	from, anchor := now, now.Add(max(j.phase, 0)) // where an Every inside begins; a calendar ignores it
	switch r, ok := s.(rate); {
	case !last.IsZero():
		from = last
		if ok {
			anchor = last
		}
	case !ok:
	case j.runAtStart || j.phase < 0:
		anchor = now
	case j.phase > 0:
		from = anchor.Add(-1)
	default:
		anchor = now.Add(spread(placeOf(j.name), r.d))
	}
	return decideInput{schedule: bind(s, anchor), now: from, jitter: j.jitter, seed: j.seed()}
}

// seed returns what the jitter depends on beside the slot.
func (j *Job) seed() uint64 {
	if j.jitter <= 0 {
		return 0
	}
	return placeOf(j.name)
}

// deactivate ends what activate began for that session.
func (j *Job) deactivate(l *session) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.session != l {
		return
	}
	j.session, j.held = nil, l.announced.Load() && !l.demanded.Load()
	if j.rec != nil {
		j.rec.base = nil
	}
	switch j.state {
	case active:
		j.state = idle
		j.dropLocked()
	case ended: // so that SetSchedule works again
		j.state = idle
	}
	j.closeIdleLocked()
}

// dropLocked discards all plans. Waiting slots are counted as stopped.
func (j *Job) dropLocked() {
	if n := slotsOf(j.pending); n > 0 {
		j.trouble().skips.Stopped += uint64(n)
	}
	j.pending = nil
	if past := j.troubled(); past != nil {
		past.retryAt = 0
	}
	j.asked = nil
	j.slot, j.fire = time.Time{}, never
	j.version++
}

// setScheduleLocked sets the schedule and what was decided about its next slot.
func (j *Job) setScheduleLocked(s Schedule, a decision) {
	_, fixed := s.(delay) // the end of a run sets its next slot
	j.schedule, j.slot, j.fire = s, a.next, never
	if !a.next.IsZero() {
		j.fire = nanos(a.fire)
	}
	j.exhausted = a.next.IsZero() && !fixed
	j.replan, j.resumed, j.asked = false, false, nil
}
