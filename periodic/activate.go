package periodic

import (
	"context"
	"time"
)

// activate makes the job ready for the loop and returns when that has to look at
// it first. It calls the schedule and the store, and changes nothing if the life
// has ended meanwhile. A schedule that is not ours may take longer than p lasts:
// then its answer comes to the loop.
func (j *Job) activate(ctx context.Context, l *life, now time.Time, p *patience) (when int64, err error) {
	last := j.load(ctx)
	if last.After(now) {
		last = time.Time{} // the clock was wrong then; better a run too many than none for years
	}
	for {
		j.mu.Lock()
		schedule, gen, atStart := j.schedule, j.gen, j.runAtStart && last.IsZero()
		skip := atStart && j.paused
		j.mu.Unlock()
		q := j.first(schedule, last, now)
		q.first = atStart && !skip
		a := j.consult(l, q, gen, now)
		answered := p.wait(a)
		j.mu.Lock()
		switch {
		case answered && a.err != nil:
			err = a.err
		case j.state == removed:
			err = ErrNotRunning
		case j.gen != gen: // Pause or SetSchedule was called: look again
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

// activateLocked gives the job its plan. What a life before left of runs stays on
// and counts; its slots, its streak and its wait after a failure are forgotten.
func (j *Job) activateLocked(l *life, now time.Time, a *ask, answered bool) (when int64) {
	if j.closed {
		j.done, j.closed = nil, false
	}
	j.state, j.life, j.err = active, l, nil
	j.last, j.held = 0, false
	if j.rec != nil {
		j.rec.base = nil
	}
	if past := j.troubled(); past != nil {
		past.streak, past.lost, past.retryAt, past.saved = 0, 0, 0, 0
	}
	if answered {
		j.setScheduleLocked(a.q.schedule, a.answer)
	} else {
		j.setScheduleLocked(a.q.schedule, answer{})
		j.asked, j.replan, j.exhausted = a, true, false
	}
	if j.exhausted { // to end
		return now.UnixNano()
	}
	return j.whenLocked()
}

// first is the question for the first slot of a life.
func (j *Job) first(s Schedule, last, now time.Time) question {
	from, anchor := now, now.Add(max(j.phase, 0)) // an Every inside begins there; a calendar does not ask
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
	return question{schedule: bind(s, anchor), now: from, jitter: j.jitter, seed: j.seed()}
}

// seed is what jitter depends on beside the slot.
func (j *Job) seed() uint64 {
	if j.jitter <= 0 {
		return 0
	}
	return placeOf(j.name)
}

// deactivate ends what activate began for that life.
func (j *Job) deactivate(l *life) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.life != l {
		return
	}
	j.life, j.held = nil, l.announced.Load() && !l.demanded.Load()
	if j.rec != nil {
		j.rec.base = nil
	}
	switch j.state {
	case active:
		j.state = idle
		j.dropLocked()
	case ended: // so that it may get a new schedule
		j.state = idle
	}
	j.closeIdleLocked()
}

// dropLocked forgets all plans. Slots that were admitted are accounted for.
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
	j.gen++
}

// setScheduleLocked puts a plan into the job.
func (j *Job) setScheduleLocked(s Schedule, a answer) {
	_, fixed := s.(delay) // its next slot is set when a run ends
	j.schedule, j.slot, j.fire = s, a.next, never
	if !a.next.IsZero() {
		j.fire = nanos(a.fire)
	}
	j.exhausted = a.next.IsZero() && !fixed
	j.replan, j.resumed, j.asked = false, false, nil
}
