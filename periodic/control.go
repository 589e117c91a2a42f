package periodic

import (
	"log/slog"
	"time"
)

// Trigger requests a run now and does not wait for it. It does not move the
// schedule, and works while the job is paused. The Overlap policy applies as for a
// slot. On a job that gave up, Trigger begins a new streak and the schedule goes
// on.
//
// It returns ErrOverlap if the Overlap policy has no place for the run. It returns
// ErrNotRunning if the job is not started, is stopping, or has ended. A call that
// returns an error is not counted. A run requested at the very moment of a Stop may
// be counted in Skips.Stopped instead.
func (j *Job) Trigger() error {
	j.mu.Lock()
	s, live := j.scheduler, j.session != nil
	j.mu.Unlock()
	if !live {
		return opError("trigger", j.name, ErrNotRunning)
	}
	now := s.time.now()
	j.mu.Lock()
	err := j.triggerLocked(now)
	j.mu.Unlock()
	s.poke(j)
	return opError("trigger", j.name, err)
}

// triggerLocked leaves the request to the loop, because only the loop starts runs.
func (j *Job) triggerLocked(now time.Time) error {
	if j.session == nil || closed(j.session.quit) { // the request would be dropped at once
		return ErrNotRunning
	}
	if j.state == gaveUp {
		j.state, j.replan = active, true
		trouble := j.trouble()
		trouble.streak, trouble.lost = 0, 0
	}
	if j.state != active {
		return ErrNotRunning
	}
	if !j.admitLocked(request{slot: now, due: now.UnixNano(), attempt: 1, trigger: true}) {
		return ErrOverlap
	}
	return nil
}

// Pause stops slots from running until Resume. A running run continues, but is not
// repeated if it returns ErrAgain. A job may be paused before it starts, which
// cancels the run of RunAtStart. It stays paused across a restart.
func (j *Job) Pause() { j.setPaused(true) }

// Resume ends a Pause. The policy Config.Missed decides about slots that passed
// meanwhile. Resume does nothing if the job is not paused.
func (j *Job) Resume() { j.setPaused(false) }

func (j *Job) setPaused(paused bool) {
	j.mu.Lock()
	changed := j.paused != paused
	if changed {
		j.paused = paused
		j.resumed = !paused
		j.version++
	}
	s, live := j.scheduler, j.state == active
	j.mu.Unlock()
	if !changed {
		return
	}
	if live {
		s.poke(j)
	}
	if paused {
		j.tell(slog.LevelInfo, "job paused")
	} else {
		j.tell(slog.LevelInfo, "job resumed")
	}
}

// SetSchedule replaces the schedule. A running run continues. The grid of a new
// Every counts from the last slot, or from now if there was none. After counts from
// the end of the last run, or from now. A calendar counts from now. Slots of the
// old schedule are discarded. If the job is not started, or gave up, the schedule
// applies from the next start or Trigger.
//
// It returns an error if the schedule is invalid, panics, or does not return from
// Next within a second. It returns ErrNotRunning if the schedule of the job has
// ended and Stop was not called, or if the job was removed. The old schedule is
// kept then.
func (j *Job) SetSchedule(s Schedule) error {
	if err := check(s, false); err != nil {
		return opError("set schedule of", j.name, err)
	}
	return opError("set schedule of", j.name, j.setSchedule(s))
}

// Next returns the next slot, without its jitter. It returns the zero time if there
// is none, if the job is not active or is paused, and under After while a run is
// running.
func (j *Job) Next() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.nextLocked()
}

func (j *Job) nextLocked() time.Time {
	if j.state != active || j.paused {
		return time.Time{}
	}
	return j.slot
}

// setSchedule is SetSchedule with a valid schedule.
func (j *Job) setSchedule(s Schedule) error {
	var p patience
	defer p.stop()
	for {
		j.mu.Lock()
		state, version, last, scheduler, l := j.state, j.version, j.last, j.scheduler, j.session
		lastEnd := j.lastEndLocked()
		if state == idle {
			j.schedule = s // Start plans it
			j.version++
		}
		j.mu.Unlock()
		switch state {
		case idle:
			return nil
		case ended, removed:
			return ErrNotRunning
		case active, gaveUp:
		}
		now := scheduler.time.now()
		q := j.replacement(s, now, last, lastEnd)
		asked := j.consult(l, q, version, now)
		if !p.wait(asked) {
			return errHangs
		}
		a, err := asked.decision, asked.err
		if err != nil {
			return err
		}
		j.mu.Lock()
		if j.version != version || j.state != state || j.lastEndLocked() != lastEnd { // something else changed the plan: try again
			j.mu.Unlock()
			continue
		}
		if _, fixed := s.(delay); fixed && j.running > 0 {
			a = decision{} // the end of the run sets the slot
		}
		j.version++
		if state == gaveUp {
			j.schedule, j.asked = q.schedule, nil // the Trigger that revives the job plans it
		} else {
			j.setScheduleLocked(q.schedule, a)
		}
		j.mu.Unlock()
		scheduler.poke(j)
		return nil
	}
}

// lastEndLocked returns when the last run ended, in Unix nanoseconds, or zero if
// none did.
func (j *Job) lastEndLocked() int64 {
	if j.rec == nil {
		return 0
	}
	return j.rec.lastEnd
}

// replacement returns the input for the first slot of a new schedule. last and
// lastEnd are zero if there was no slot or run.
func (j *Job) replacement(s Schedule, now time.Time, last, lastEnd int64) decideInput {
	anchor := now
	if last != 0 {
		anchor = time.Unix(0, last)
	}
	q := decideInput{schedule: bind(s, anchor), now: now, jitter: j.jitter, seed: j.seed()}
	if _, fixed := s.(delay); fixed && lastEnd != 0 {
		q.now = time.Unix(0, lastEnd)
	}
	return q
}
