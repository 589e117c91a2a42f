package periodic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/stopping"
)

// Start begins the schedules of all jobs. Runs get the values of ctx, but not its
// cancellation. Start blocks only for LastRun stores, and at most a second for
// schedules that are not of this package.
//
// It returns an error if the scheduler is already started, or if a schedule panics;
// nothing is started then. After Stop returned, the scheduler may be started again.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.live {
		s.mu.Unlock()
		return opError("start", s.name, errors.New("already started"))
	}
	if s.time == nil {
		s.time = newTimeline(s.clk)
	}
	l := newSession(ctx, &s.runPool.mu)
	if stop := stopping.From(ctx); stop != nil { // it ends before the host calls Stopping
		l.unhook = context.AfterFunc(stop, func() { l.announce(context.WithoutCancel(stop)) })
	}
	s.session, s.live = l, true
	now, _ := s.time.read() // allowed here, because the loop is not running
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

// admit activates a job and puts it into the queue.
func (s *Scheduler) admit(ctx context.Context, j *Job, l *session, now time.Time, p *patience) error {
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

// retire ends what Start began. The loop calls it when it ends.
func (s *Scheduler) retire(l *session) {
	s.mu.Lock()
	l.retired.Store(true)
	if l.unhook != nil {
		l.unhook()
	}
	for i := range s.queue { // with equal keys any order is a heap
		s.queue[i].when = never
	}
	jobs := s.queue.jobs()
	s.shutLocked(l)
	s.mu.Unlock()
	for _, j := range jobs {
		j.deactivate(l)
	}
	s.mu.Lock()
	s.live = false // last, so that a new session does not overlap with the old one
	s.mu.Unlock()
	close(l.done)
}

// Stopping begins the stop of all jobs, see [Job.Stopping].
func (s *Scheduler) Stopping(ctx context.Context) error {
	s.mu.Lock()
	l := s.session
	s.mu.Unlock()
	if l != nil {
		l.announce(ctx)
	}
	return nil
}

// announce begins the stop of a session.
func (l *session) announce(ctx context.Context) {
	l.announced.Store(true)
	l.stop()
	if comes(ctx, l.done) { // no run is added after that
		l.cancel(false)
	}
}

// letGo allows Done of the jobs to be closed, after a stop that began with
// Stopping.
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

// Stop stops all jobs at once, see [Job.Stop]. They share the deadline. The error
// names the jobs that still run and those whose schedule does not return.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.mu.Lock()
	l := s.session
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.demanded.Store(true)
	l.stop()
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.job.scheduler == s {
		return opError("stop", s.name, ErrStopping) // otherwise the run would wait for itself
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
	s.abandoned.Store(true)
	return opError("stop", s.name, fmt.Errorf("still running: %s: %w", strings.Join(left, ", "), context.Cause(ctx)))
}

// runsEnd waits until no run is running. It cancels the runs when patience is done,
// and reports false if ctx is done first.
func (l *session) runsEnd(ctx, patience context.Context) bool {
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
