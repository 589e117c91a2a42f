package periodic

import (
	"context"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// limiter is SchedulerConfig.Limit.
type limiter interface {
	Acquire(ctx context.Context, n int64) error
	Release(n int64)
}

// gate lets runs begin when the limit has room, one after the other. Jobs wait in
// its queue, and their runs stay in pending. So a run that waits has no goroutine,
// and the policies of the job apply to its slots as usual.
type gate struct {
	jobs []*Job // owned by the loop: jobs with a run that waits, each once

	// Guarded by the lock of the scheduler.
	asking bool  // Acquire was called and has not returned
	open   bool  // a place was acquired that no run has taken yet
	err    error // error of Acquire
}

// queueUp adds a job to the queue of the gate. The loop calls it.
func (s *Scheduler) queueUp(j *Job) {
	if !j.inLimitQueue {
		j.inLimitQueue = true
		g := &j.session.gate
		g.jobs = append(g.jobs, j)
	}
}

// letIn gives the acquired place to the first job in the queue, and acquires
// another if more jobs wait. The loop calls it.
func (s *Scheduler) letIn(l *session, now time.Time) {
	g := &l.gate
	s.mu.Lock()
	open, err := g.open, g.err
	g.open, g.err = false, nil
	s.mu.Unlock()
	if open || err != nil {
		entered := false
		for len(g.jobs) > 0 && !entered {
			j := g.jobs[0]
			g.jobs = g.jobs[1:]
			j.inLimitQueue = false
			entered = j.enter(now, err)
		}
		if open && !entered {
			s.giveBack(l)
		}
	}
	if len(g.jobs) == 0 {
		g.jobs = nil
		return
	}
	s.mu.Lock()
	ask := !g.asking
	g.asking = true
	s.mu.Unlock()
	if ask {
		s.acquire(l)
	}
}

// enter starts the first waiting run of the job and reports whether there was one.
func (j *Job) enter(now time.Time, denied error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.readyLocked() {
		return false
	}
	r := j.launchOneLocked(now)
	if r.holds = denied == nil; !r.holds {
		r.denied = &denied
	}
	if j.readyLocked() { // under Parallel the next one may run beside it
		j.scheduler.queueUp(j)
	}
	return true
}

// acquire acquires one place. The loop does not wait for it.
func (s *Scheduler) acquire(l *session) {
	l.aside("Acquire of the Limit", func() error {
		return s.limit.Acquire(l.waits, 1)
	}, func(err error) {
		s.mu.Lock()
		l.gate.asking = false
		late := err == nil && l.retired.Load()
		if !late {
			l.gate.open, l.gate.err = err == nil, err
		}
		s.mu.Unlock()
		if late {
			s.release()
		}
		s.rouse()
	})
}

// shutLocked empties the queue of the gate at the end of a session.
func (s *Scheduler) shutLocked(l *session) {
	for _, j := range l.gate.jobs {
		j.inLimitQueue = false
	}
	l.gate.jobs = nil
	if l.gate.open {
		l.gate.open = false
		s.giveBack(l)
	}
}

// giveBack is release for the loop, which must not block.
func (s *Scheduler) giveBack(l *session) {
	l.aside("Release of the Limit", func() error { s.release(); return nil }, nil)
}

// release releases one place.
func (s *Scheduler) release() {
	if err := guard.Call(func() error { s.limit.Release(1); return nil }); err != nil {
		say(s.log.Load(), slog.LevelError, "limit cannot be released", "scheduler", s.name, "error", err)
	}
}

// release releases the place of the run, if it has one.
func (r *run) release() {
	if r.holds {
		r.holds = false
		r.job.scheduler.release()
	}
}
