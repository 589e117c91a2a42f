package periodic

import "time"

// batch is how many jobs are looked at for one reading of the clock: a job that
// asks for attention without end must not hold up those that become due.
const batch = 64

// loop is the goroutine of a scheduler: it alone decides and starts runs. So there
// is no order of locks to get wrong, and once it has ended nothing can start.
func (s *Scheduler) loop(l *life) {
	defer s.retire(l)
	bell := &alarm{clk: s.time.clk}
	defer bell.stop()
	for {
		now := s.look()
		for range batch {
			select {
			case <-l.quit: // a stop wins over a slot that is due
				return
			default:
			}
			j := s.take(now)
			if j == nil {
				break
			}
			s.settle(j, j.step(s, now))
		}
		var ring <-chan time.Time // nil: nothing is due until somebody calls
		switch when := s.earliest(); {
		case when <= now.UnixNano():
			continue
		case when != never:
			ring = bell.set(time.Duration(when - now.UnixNano()))
		}
		select {
		case <-l.quit:
			return
		case <-s.wake:
		case <-ring:
			bell.rang()
		}
	}
}

// look reads the clock, and moves along what counts in elapsed time if the wall
// clock was set.
func (s *Scheduler) look() time.Time {
	now, step := s.time.read()
	s.mu.Lock()
	s.clock = now.UnixNano()
	s.mu.Unlock()
	if step != 0 {
		if s.log != nil {
			s.log.Info("wall clock was set", "scheduler", s.name, "step", step)
		}
		for _, j := range s.Jobs() {
			// One that is removed meanwhile does no harm: settle passes it over.
			s.settle(j, j.shift(step, now))
		}
	}
	return now
}

// take returns a job that wants to be looked at, or nil. Until settle it is out
// of the way at the end of the queue.
func (s *Scheduler) take(now time.Time) *Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || s.queue[0].when > now.UnixNano() {
		return nil
	}
	j := s.queue[0].job
	j.poked = false
	s.queue.set(0, never)
	return j
}

// settle puts a job to its place in the queue.
func (s *Scheduler) settle(j *Job, when int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.index < 0 { // removed
		return
	}
	if j.poked { // after step had looked, perhaps
		when = min(when, s.clock)
	}
	s.queue.set(j.index, when)
}

// poke makes the loop look at a job soon. The key is the loop's idea of now, not
// zero: that would put it before jobs that are due for longer.
func (s *Scheduler) poke(j *Job) {
	s.mu.Lock()
	found := j.index >= 0
	if found {
		j.poked = true
		s.queue.set(j.index, min(s.queue[j.index].when, s.clock))
	}
	s.mu.Unlock()
	if found {
		s.rouse()
	}
}

// rouse ends the loop's wait.
func (s *Scheduler) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *Scheduler) earliest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return never
	}
	return s.queue[0].when
}

// clockWasWrong is the length of a step back that does not belong to everyday
// life. After a smaller one a calendar's slots that were run already are not run
// again; after a longer one the schedule begins anew, or a clock that was once
// in the next decade would silence a job until then. Vixie's cron draws the line
// at three hours too.
const clockWasWrong = -3 * time.Hour

// shift moves the job's plans after the wall clock was set by step, and returns
// when the loop has to look at it.
func (j *Job) shift(step time.Duration, now time.Time) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gen++
	for r := j.runs; r != nil; r = r.older {
		if r.deadline != never {
			r.deadline += int64(step)
		}
	}
	if j.rec != nil {
		j.rec.lastEnd += int64(step)
		if !j.rec.retryAt.IsZero() {
			j.rec.retryAt = j.rec.retryAt.Add(step)
		}
	}
	r, fixed := j.schedule.(rate)
	_, delayed := j.schedule.(delay)
	switch {
	case fixed || delayed:
		if fixed {
			r.anchor += int64(step)
			j.schedule = r
		}
		if !j.slot.IsZero() {
			j.slot = j.slot.Add(step)
			j.fire += int64(step)
		}
		if j.last != 0 {
			j.last += int64(step)
		}
	case step < clockWasWrong && j.state == active:
		j.replan = true
		return now.UnixNano()
	}
	return j.whenLocked()
}
