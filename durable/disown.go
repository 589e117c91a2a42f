package durable

import (
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// A process that was stopped for a while, or cut off from the store, may have been
// missed: its jobs were rescued, and run elsewhere. The engine writes what an attempt
// came to by the job alone, so a late one would end an attempt of another process, or
// have a third one run beside it. So a process that may have been missed looks whether
// an attempt is still its own, and drops what it came to if not.

// sight is when the store was last told that this process lives.
type sight struct {
	mu      sync.Mutex
	horizon time.Duration
	last    time.Time
	missed  time.Time // when it could tell the store again after a time in which it may have been missed
}

// told notes that the store was told at now, by a process with the horizon.
func (s *sight) told(now time.Time, horizon time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && apart(s.last, now) > absence(horizon) {
		s.missed = now
	}
	s.last, s.horizon = now, horizon
}

// mayBeMissed reports whether the process may have been missed since then.
func (s *sight) mayBeMissed(then time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missed.After(then) || !s.last.IsZero() && apart(s.last, time.Now()) > absence(s.horizon)
}

// absence is a good part of how long a process must not be seen to be missed.
func absence(horizon time.Duration) time.Duration { return min(time.Minute, horizon) * 3 / 4 }

// apart is how far apart two times are. The monotonic clock stands still while a
// machine is suspended, and the other one can be set.
func apart(a, b time.Time) time.Duration { return max(b.Sub(a), b.Round(0).Sub(a.Round(0))) }

// isOurs reports whether the attempt is still the job's, or was when the job was
// completed. The store is asked only if that is in doubt; if it does not say, it is.
func (c *current) isOurs() bool {
	if !c.jobs.sight.mayBeMissed(c.taken) {
		return true
	}
	row, err := c.row()
	if err != nil || row == nil {
		return err != nil
	}
	return row.Attempt == c.job.Attempt && (row.State == rivertype.JobStateRunning || row.State == rivertype.JobStateCompleted)
}

// disown has the engine write nothing about an attempt.
func (q *Queue[T]) disown(job *river.Job[payload], err error) {
	q.jobs.disowned.add(job.ID)
	attrs := []any{slog.Int("attempt", job.Attempt)}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	q.log(job.JobRow).Warn("outcome dropped, the job was rescued meanwhile", attrs...)
}

// disowned are jobs of whose attempt here nothing is written.
type disowned struct {
	mu   sync.Mutex
	jobs map[int64]bool
}

func (d *disowned) add(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.jobs == nil {
		d.jobs = map[int64]bool{}
	}
	d.jobs[id] = true
}

// leaveOut returns params without those jobs, and which these were.
func (d *disowned) leaveOut(params *riverdriver.JobSetStateIfRunningManyParams) (*riverdriver.JobSetStateIfRunningManyParams, []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.jobs) == 0 {
		return params, nil
	}
	var dropped []int64
	left := only(params, func(id int64) bool {
		if d.jobs[id] {
			dropped = append(dropped, id)
		}
		return !d.jobs[id]
	})
	return left, dropped
}

func (d *disowned) forget(ids []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		delete(d.jobs, id)
	}
}
