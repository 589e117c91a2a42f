package periodic

import (
	"context"
	"time"
)

// activate makes the job ready for the loop and returns when that has to look at
// it first. It calls the schedule and the store, on the caller's goroutine, and
// changes nothing if the life has ended meanwhile.
func (j *Job) activate(ctx context.Context, l *life, now time.Time) (when int64, err error) {
	last := j.load(ctx)
	if last.After(now) {
		last = time.Time{} // the clock was wrong then; better a run too many than none for years
	}
	from := now
	if !last.IsZero() && !j.runAtStart {
		from = last
	}
	for {
		j.mu.Lock()
		schedule, gen := j.schedule, j.gen
		j.mu.Unlock()
		schedule = bind(schedule, j.anchor(schedule, last, now))
		a, err := decide(question{schedule: schedule, now: from, jitter: j.jitter, seed: j.seed()}, nil)
		if err != nil {
			return never, err
		}
		j.mu.Lock()
		switch {
		case j.state == removed:
			err = ErrNotRunning
		case j.gen != gen: // SetSchedule was called: look again
			j.mu.Unlock()
			continue
		case !l.retired.Load():
			when = j.activateLocked(l, now, schedule, a)
		}
		j.mu.Unlock()
		return when, err
	}
}

// activateLocked gives the job its plan. What a life before left of runs stays on
// and counts; its slots, its streak and its wait after a failure are forgotten.
func (j *Job) activateLocked(l *life, now time.Time, schedule Schedule, a answer) (when int64) {
	if j.closed {
		j.done, j.closed = nil, false
	}
	j.state, j.life, j.err = active, l, nil
	j.last = 0
	if j.rec != nil {
		j.rec.base, j.rec.streak, j.rec.retryAt, j.rec.saved = nil, 0, time.Time{}, 0
	}
	j.setScheduleLocked(schedule, a)
	switch {
	case !j.runAtStart:
	case j.paused:
		j.record().skips.Paused++
	default:
		j.pending = append(j.pending, request{slot: now, due: now.UnixNano()})
	}
	if j.runAtStart || j.exhausted { // to run, or to end
		return now.UnixNano()
	}
	return j.whenLocked()
}

// anchor is where the grid of Every begins.
func (j *Job) anchor(s Schedule, last, now time.Time) time.Time {
	r, ok := s.(rate)
	switch {
	case !ok: // for an Every inside; a calendar does not ask
		return now.Add(max(j.phase, 0))
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

// deactivate ends what activate began for that life.
func (j *Job) deactivate(l *life) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.life != l {
		return
	}
	j.life = nil
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
		j.record().skips.Stopped += uint64(n)
	}
	j.pending = nil
	if j.rec != nil {
		j.rec.retryAt = time.Time{}
	}
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
	j.replan, j.resumed = false, false
}
