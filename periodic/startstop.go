package periodic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/stopping"
)

// Start begins the schedules of all jobs and returns; it waits only for their
// LastRun stores, and a second at most for the schedules that are somebody else's.
// Runs get the values of ctx, but not its end. It fails if the scheduler is started
// already, and with the error of a schedule that panics; then nothing was started.
// After Stop returned it may be started again.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.live {
		s.mu.Unlock()
		return opError("start", s.name, errors.New("already started"))
	}
	if s.time == nil {
		s.time = newTimeline(s.clk)
	}
	l := newLife(ctx, &s.crew.mu)
	if stop := stopping.From(ctx); stop != nil { // known before the host calls Stopping
		l.deaf = context.AfterFunc(stop, func() { l.announce(context.WithoutCancel(stop)) })
	}
	s.life, s.live = l, true
	now, _ := s.time.read() // the loop is not on, so this goroutine may
	s.clock = now.UnixNano()
	jobs := s.queue.jobs()
	s.mu.Unlock()
	var p patience
	defer p.stop()
	for _, j := range jobs {
		if err := s.admit(ctx, j, l, now, &p); err != nil && !errors.Is(err, ErrNotRunning) {
			s.retire(l)
			return opError("start", j.name, err)
		}
	}
	go s.loop(l)
	return nil
}

// admit activates a job and gives it its place in the queue.
func (s *Scheduler) admit(ctx context.Context, j *Job, l *life, now time.Time, p *patience) error {
	when, err := j.activate(ctx, l, now, p)
	if err != nil {
		return err
	}
	s.mu.Lock()
	kept := !l.retired.Load() && j.index >= 0
	first := kept && when < s.queue[0].when
	if kept {
		s.queue.set(j.index, when)
	}
	s.mu.Unlock()
	if !kept { // stopped or removed meanwhile
		j.deactivate(l)
	}
	if first {
		s.rouse()
	}
	return nil
}

// retire ends what Start began: the loop does so when it ends.
func (s *Scheduler) retire(l *life) {
	s.mu.Lock()
	l.retired.Store(true)
	if l.deaf != nil {
		l.deaf()
	}
	for i := range s.queue { // equal keys are a heap in any order
		s.queue[i].when = never
	}
	jobs := s.queue.jobs()
	s.shutLocked(l)
	s.mu.Unlock()
	for _, j := range jobs {
		j.deactivate(l)
	}
	s.mu.Lock()
	s.live = false // not before: a new life would meet the end of the old one
	s.mu.Unlock()
	close(l.done)
}

// Stopping is that of [Job.Stopping], for all jobs.
func (s *Scheduler) Stopping(ctx context.Context) error {
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	if l != nil {
		l.announce(ctx)
	}
	return nil
}

// announce begins the stop of a life.
func (l *life) announce(ctx context.Context) {
	l.announced.Store(true)
	l.stop()
	if comes(ctx, l.done) { // no run is added any more
		l.cancel(false)
	}
}

// letGo lets the jobs' Done be closed after a stop that began with Stopping.
func (s *Scheduler) letGo() {
	for _, j := range s.Jobs() {
		j.mu.Lock()
		if j.held {
			j.held = false
			j.closeIdleLocked()
		}
		j.mu.Unlock()
	}
}

// Stop is that of [Job.Stop], for all jobs at once: they share the deadline, and
// the error names those that still run, and those whose schedule does not return.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.demanded.Store(true)
	l.stop()
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.job.home == s {
		return opError("stop", s.name, ErrStopping) // to wait would be to wait for itself
	}
	patience, cancel := withReserve(ctx)
	defer cancel()
	if !comes(ctx, l.done) {
		return opError("stop", s.name, fmt.Errorf("the Clock does not return: %w", context.Cause(ctx)))
	}
	s.letGo()
	l.cancel(false)
	var left []string
	if !l.runsEnd(ctx, patience) {
		left = l.names()
	}
	left = append(left, l.asidesEnd(ctx)...)
	if len(left) == 0 {
		return nil
	}
	l.abandoned.Store(true)
	return opError("stop", s.name, fmt.Errorf("still running: %s: %w", strings.Join(left, ", "), context.Cause(ctx)))
}

// runsEnd waits until no run is on, and cancels those that are when patience ends.
func (l *life) runsEnd(ctx, patience context.Context) bool {
	idle := l.whenIdle()
	select {
	case <-idle:
		return true
	case <-patience.Done():
		l.cancel(true)
	}
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}
