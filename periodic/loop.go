package periodic

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// batch is how many jobs are looked at for one reading of the clock: a job that
// asks for attention without end must not hold up those that become due.
const batch = 64

// loop is the goroutine of a scheduler: it alone decides and starts runs. So there
// is no order of locks to get wrong, and once it has ended nothing can start.
func (s *Scheduler) loop(l *life) {
	guard.Run(func() error { s.turn(l); return nil }, func(err error) {
		if err != nil { // of the Clock: all else that is not ours is called aside
			s.collapse(err)
		}
		s.retire(l)
	})
}

// collapse gives the jobs the error that ended the loop.
func (s *Scheduler) collapse(err error) {
	err = fmt.Errorf("the Clock ended the scheduler: %w", err)
	s.mu.Lock()
	s.broken = opError("run", s.name, err)
	s.mu.Unlock()
	for _, j := range s.Jobs() {
		j.mu.Lock()
		if j.state == active {
			j.err = opError("run", j.name, err)
		}
		j.mu.Unlock()
	}
	say(s.log.Load(), slog.LevelError, "scheduler ended", "scheduler", s.name, "error", err)
}

func (s *Scheduler) turn(l *life) {
	bell := &alarm{clk: s.time.clk}
	defer bell.stop()
	for {
		now := s.look(l)
		stopping := s.pass(l, now)
		if s.limit != nil && !stopping {
			s.letIn(l, now)
		}
		s.crew.start(s.due)
		s.due = line{}
		if stopping {
			return
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
func (s *Scheduler) look(l *life) time.Time {
	now, step := s.time.read()
	s.mu.Lock()
	s.clock = now.UnixNano()
	s.mu.Unlock()
	if step != 0 {
		l.aside("the Logger", func() error {
			say(s.log.Load(), slog.LevelInfo, "wall clock was set", "scheduler", s.name, "step", step)
			return nil
		}, nil)
		for _, j := range s.Jobs() {
			// A look at each, as its place in the queue may stand for a poke and
			// not for a slot. One that is removed meanwhile does no harm: settle
			// passes it over.
			j.shift(step)
			s.settle(j, now.UnixNano())
		}
	}
	return now
}

// pass lets a batch of the jobs that are due take a step. It reports true when
// the loop is to end: a stop wins over a slot that is due.
func (s *Scheduler) pass(l *life, now time.Time) (stopping bool) {
	var j *Job
	var when int64
	for range batch {
		if closed(l.quit) {
			stopping = true
			break
		}
		if j = s.next(j, when, now); j == nil {
			return false
		}
		when = j.step(s, now)
	}
	if j != nil {
		s.settle(j, when)
	}
	return stopping
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// next puts the job that the loop has in hand to its place in the queue, and
// returns the first that is due, or nil. In hand a job keeps its old place, so
// that it is sifted once.
func (s *Scheduler) next(hand *Job, when int64, now time.Time) *Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if hand != nil {
		s.settleLocked(hand, when)
	}
	if len(s.queue) == 0 || s.queue[0].when > now.UnixNano() {
		return nil
	}
	j := s.queue[0].job
	j.inHand, j.poked = true, false
	return j
}

// settle puts a job to its place in the queue.
func (s *Scheduler) settle(j *Job, when int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleLocked(j, when)
}

func (s *Scheduler) settleLocked(j *Job, when int64) {
	poked := j.inHand && j.poked // after step had looked, perhaps
	j.inHand = false
	if j.index < 0 { // removed
		return
	}
	if poked {
		when = min(when, s.clock)
	}
	s.queue.set(j.index, when)
}

// poke makes the loop look at a job soon. The key is the loop's idea of now, not
// zero: that would put it before jobs that are due for longer.
func (s *Scheduler) poke(j *Job) {
	s.mu.Lock()
	found := j.index >= 0
	switch {
	case j.inHand:
		j.poked = true
	case found:
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

// shift moves the job's plans after the wall clock was set by step.
func (j *Job) shift(step time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gen++
	for r := j.runs; r != nil; r = r.older {
		if r.deadline != never {
			r.deadline += int64(step)
		}
	}
	for i := range j.pending { // which would begin late, or early, otherwise
		j.pending[i].due += int64(step)
	}
	if j.asked != nil {
		j.asked.since += int64(step)
	}
	if j.rec != nil && j.rec.lastEnd != 0 {
		j.rec.lastEnd += int64(step)
	}
	if past := j.troubled(); past != nil {
		past.saved = 0
		if past.retryAt != 0 {
			past.retryAt += int64(step)
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
	}
}
