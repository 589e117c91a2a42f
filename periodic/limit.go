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

// gate lets runs begin as the limit has room, one after the other. A job stands in
// the line and not each of its runs, which stay in pending; so no run that waits
// has a goroutine, and what a job makes of its slots meanwhile is as ever.
type gate struct {
	line []*Job // the loop's: jobs with a run that waits, each once

	// Guarded by the scheduler's lock.
	asking bool  // Acquire was called and has not returned
	open   bool  // there is a place that nobody has taken yet
	err    error // of Acquire
}

// queueUp puts a job at the end of the line. It is called by the loop.
func (s *Scheduler) queueUp(j *Job) {
	if !j.inLine {
		j.inLine = true
		g := &j.life.brim
		g.line = append(g.line, j)
	}
}

// letIn gives the place that was acquired to the first in the line, and asks for
// another if there are more. It is called by the loop.
func (s *Scheduler) letIn(l *life, now time.Time) {
	g := &l.brim
	s.mu.Lock()
	open, err := g.open, g.err
	g.open, g.err = false, nil
	s.mu.Unlock()
	if open || err != nil {
		entered := false
		for len(g.line) > 0 && !entered {
			j := g.line[0]
			g.line = g.line[1:]
			j.inLine = false
			entered = j.enter(now, err)
		}
		if open && !entered {
			s.giveBack(l)
		}
	}
	if len(g.line) == 0 {
		g.line = nil
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

// enter starts the job's first run that waits and reports whether there was one.
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
	if j.readyLocked() { // more of them may be on side by side
		j.home.queueUp(j)
	}
	return true
}

// acquire asks for one place. The loop does not wait for that.
func (s *Scheduler) acquire(l *life) {
	l.aside("Acquire of the Limit", func() error {
		return s.limit.Acquire(l.waits, 1)
	}, func(err error) {
		s.mu.Lock()
		l.brim.asking = false
		late := err == nil && l.retired.Load()
		if !late {
			l.brim.open, l.brim.err = err == nil, err
		}
		s.mu.Unlock()
		if late {
			s.release()
		}
		s.rouse()
	})
}

// shutLocked empties the line at the end of a life.
func (s *Scheduler) shutLocked(l *life) {
	for _, j := range l.brim.line {
		j.inLine = false
	}
	l.brim.line = nil
	if l.brim.open {
		l.brim.open = false
		s.giveBack(l)
	}
}

// giveBack is release for the loop.
func (s *Scheduler) giveBack(l *life) {
	l.aside("Release of the Limit", func() error { s.release(); return nil }, nil)
}

// release gives back one place.
func (s *Scheduler) release() {
	if err := guard.Call(func() error { s.limit.Release(1); return nil }); err != nil {
		say(s.log.Load(), slog.LevelError, "limit cannot be released", "scheduler", s.name, "error", err)
	}
}

// release gives back the place of the run, if it has one.
func (r *run) release() {
	if r.holds {
		r.holds = false
		r.job.home.release()
	}
}
