package periodic

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// batch is how many jobs are processed for one reading of the clock. A job that is
// poked without end must not delay jobs that become due.
const batch = 64

// loop is the goroutine of a scheduler. Only the loop decides and starts runs. So
// there is no lock order to get wrong, and nothing can start after the loop has
// ended.
func (s *Scheduler) loop(l *session) {
	guard.Run(func() error { s.turn(l); return nil }, func(err error) {
		if err != nil { // of the Clock: all other user code is called by aside
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

func (s *Scheduler) turn(l *session) {
	timer := &reusableTimer{clk: s.time.clk}
	defer timer.stop()
	for {
		now := s.readClock(l)
		stopping := s.pass(l, now)
		if s.limit != nil && !stopping {
			s.letIn(l, now)
		}
		s.runPool.start(s.due)
		s.due = runQueue{}
		if stopping {
			return
		}
		var ring <-chan time.Time // nil if nothing is due until a poke
		switch when := s.earliest(); {
		case when <= now.UnixNano():
			continue
		case when != never:
			ring = timer.set(time.Duration(when - now.UnixNano()))
		}
		select {
		case <-l.quit:
			return
		case <-s.wake:
		case <-ring:
			timer.rang()
		}
	}
}

// readClock reads the clock. If the wall clock was set, it moves along whatever
// counts in elapsed time.
func (s *Scheduler) readClock(l *session) time.Time {
	now, jump := s.time.read()
	s.mu.Lock()
	s.clock = now.UnixNano()
	s.mu.Unlock()
	if jump != 0 {
		l.aside("the Logger", func() error {
			say(s.log.Load(), slog.LevelInfo, "wall clock was set", "scheduler", s.name, "step", jump)
			return nil
		}, nil)
		for _, j := range s.Jobs() {
			// Each job is looked at, as its place in the queue may stand for a poke
			// and not for a slot. reschedule ignores a job that is removed meanwhile.
			j.shift(jump)
			s.reschedule(j, now.UnixNano())
		}
	}
	return now
}

// pass processes a batch of the due jobs. It reports true if the loop has to end: a
// stop wins over a due slot.
func (s *Scheduler) pass(l *session, now time.Time) (stopping bool) {
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
		when = j.tick(s, now)
	}
	if j != nil {
		s.reschedule(j, when)
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

// next puts the job that the loop has just processed back into the queue, and
// returns the first due job, or nil. A job in hand keeps its old place until then,
// so that it is sifted once.
func (s *Scheduler) next(hand *Job, when int64, now time.Time) *Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if hand != nil {
		s.rescheduleLocked(hand, when)
	}
	if len(s.queue) == 0 || s.queue[0].when > now.UnixNano() {
		return nil
	}
	j := s.queue[0].job
	j.inHand, j.poked = true, false
	return j
}

// reschedule sets when the loop looks at a job next.
func (s *Scheduler) reschedule(j *Job, when int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rescheduleLocked(j, when)
}

func (s *Scheduler) rescheduleLocked(j *Job, when int64) {
	poked := j.inHand && j.poked // tick may have missed what the poke is about
	j.inHand = false
	if j.index < 0 { // removed
		return
	}
	if poked {
		when = min(when, s.clock)
	}
	s.queue.set(j.index, when)
}

// poke makes the loop look at a job soon. The key is the time of the loop, not
// zero, which would put the job before jobs that have been due for longer.
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

// rouse wakes the loop.
func (s *Scheduler) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // a wake-up is pending
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

// clockWasWrong is the size of a backward jump that is not an everyday correction.
// After a smaller jump, slots of a calendar that have run do not run again. After a
// larger one the schedule restarts; otherwise a clock that was once in the next
// decade would silence a job until then. Vixie's cron uses the same three hours.
const clockWasWrong = -3 * time.Hour

// shift moves the plans of the job after the wall clock was set by jump.
func (j *Job) shift(jump time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.version++
	for r := j.runs; r != nil; r = r.older {
		if r.deadline != never {
			r.deadline += int64(jump)
		}
	}
	for i := range j.pending { // otherwise they would begin late or early
		j.pending[i].due += int64(jump)
	}
	if j.asked != nil {
		j.asked.since += int64(jump)
	}
	if j.rec != nil && j.rec.lastEnd != 0 {
		j.rec.lastEnd += int64(jump)
	}
	if past := j.troubled(); past != nil {
		past.saved = 0
		if past.retryAt != 0 {
			past.retryAt += int64(jump)
		}
	}
	r, fixed := j.schedule.(rate)
	_, delayed := j.schedule.(delay)
	switch {
	case fixed || delayed:
		if fixed {
			r.anchor += int64(jump)
			j.schedule = r
		}
		if !j.slot.IsZero() {
			j.slot = j.slot.Add(jump)
			j.fire += int64(jump)
		}
		if j.last != 0 {
			j.last += int64(jump)
		}
	case jump < clockWasWrong && j.state == active:
		j.replan = true
	}
}
