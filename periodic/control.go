package periodic

import (
	"log/slog"
	"time"
)

// Trigger asks for a run now and does not wait for it. It does not move the
// schedule, works while the job is paused, and is subject to the Overlap policy
// like a slot: ErrOverlap if that has no place for it; a call that is refused is
// counted nowhere, since its caller knows. On a job that gave up it
// begins a new streak and the schedule goes on. ErrNotRunning: the job is not
// started, is being stopped, or has ended. A run asked for in the very moment of a
// Stop may be counted in Skips.Stopped instead.
func (j *Job) Trigger() error {
	j.mu.Lock()
	s, live := j.home, j.life != nil
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

// triggerLocked leaves the request to the loop, which alone starts runs.
func (j *Job) triggerLocked(now time.Time) error {
	if j.life == nil || closed(j.life.quit) { // it would be dropped at once
		return ErrNotRunning
	}
	if j.state == gaveUp {
		j.state, j.replan = active, true
		past := j.trouble()
		past.streak, past.lost = 0, 0
	}
	if j.state != active {
		return ErrNotRunning
	}
	if !j.admitLocked(request{slot: now, due: now.UnixNano(), attempt: 1, trigger: true}) {
		return ErrOverlap
	}
	return nil
}

// Pause lets no slot fire until Resume; a run that is on is not touched, but not
// repeated if it returns ErrAgain. A job may be paused before it starts, which
// takes away the run of RunAtStart, and stays paused over a restart.
func (j *Job) Pause() { j.setPaused(true) }

// Resume ends a Pause. Slots that passed meet the policy Config.Missed. Without a
// Pause it does nothing.
func (j *Job) Resume() { j.setPaused(false) }

func (j *Job) setPaused(paused bool) {
	j.mu.Lock()
	changed := j.paused != paused
	if changed {
		j.paused = paused
		j.resumed = !paused
		j.gen++
	}
	s, live := j.home, j.state == active
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

// SetSchedule replaces the schedule; a run that is on is not touched. The grid of
// a new Every counts from the last slot, or from now if there was none; After
// counts from the end of the last run, or from now; a calendar from now. Slots
// of the old schedule are forgotten. On a job that is not started, or gave up, it
// is the schedule from then on.
//
// It fails on an invalid schedule, on one that panics or does not return from Next
// within a second, and, with ErrNotRunning, on a job whose schedule has ended, until Stop, or that was removed; the old
// schedule is kept then.
func (j *Job) SetSchedule(s Schedule) error {
	if err := check(s, false); err != nil {
		return opError("set schedule of", j.name, err)
	}
	return opError("set schedule of", j.name, j.setSchedule(s))
}

// Next returns the next slot, without its jitter. It is zero if there is none,
// if the job is not active or paused, and under After while a run is on.
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
		state, gen, last, home, l := j.state, j.gen, j.last, j.home, j.life
		lastEnd := j.lastEndLocked()
		if state == idle {
			j.schedule = s // Start makes a plan of it
			j.gen++
		}
		j.mu.Unlock()
		switch state {
		case idle:
			return nil
		case ended, removed:
			return ErrNotRunning
		case active, gaveUp:
		}
		now := home.time.now()
		q := j.replacement(s, now, last, lastEnd)
		asked := j.consult(l, q, gen, now)
		if !p.wait(asked) {
			return errHangs
		}
		a, err := asked.answer, asked.err
		if err != nil {
			return err
		}
		j.mu.Lock()
		if j.gen != gen || j.state != state || j.lastEndLocked() != lastEnd { // overtaken: look again
			j.mu.Unlock()
			continue
		}
		if _, fixed := s.(delay); fixed && j.running > 0 {
			a = answer{} // the end of the run sets the slot
		}
		j.gen++
		if state == gaveUp {
			j.schedule, j.asked = q.schedule, nil // the Trigger that revives the job makes a plan of it
		} else {
			j.setScheduleLocked(q.schedule, a)
		}
		j.mu.Unlock()
		home.poke(j)
		return nil
	}
}

// lastEndLocked is when the last run ended, in Unix nanoseconds; zero: none did.
func (j *Job) lastEndLocked() int64 {
	if j.rec == nil {
		return 0
	}
	return j.rec.lastEnd
}

// replacement is the question for the first slot of a new schedule. The instants
// may be zero: there was none.
func (j *Job) replacement(s Schedule, now time.Time, last, lastEnd int64) question {
	anchor := now
	if last != 0 {
		anchor = time.Unix(0, last)
	}
	q := question{schedule: bind(s, anchor), now: now, jitter: j.jitter, seed: j.seed()}
	if _, fixed := s.(delay); fixed && lastEnd != 0 {
		q.now = time.Unix(0, lastEnd)
	}
	return q
}
