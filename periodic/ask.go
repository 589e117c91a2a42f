package periodic

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// A schedule of the user is called on a goroutine of its own. If it hangs, only its own
// job waits.

// ask is a call of a user's schedule. All fields but ready are guarded by the lock
// of the job.
type ask struct {
	q        decideInput
	version  uint32        // of the job when the call was made
	ready    chan struct{} // closed when the decision is there
	since    int64         // start of the call, in Unix nanoseconds
	logged   bool          // the log says that it hangs
	decision decision
	err      error
}

// ours reports whether s consists of schedules of this package only, which always
// return.
func ours(s Schedule) bool {
	switch s := s.(type) {
	case rate, delay, list, *zoned:
		return true
	case union:
		for _, part := range s {
			if !ours(part) {
				return false
			}
		}
		return true
	case bounded:
		return ours(s.Schedule)
	case except:
		return len(s.calendars) == 0 && ours(s.schedule)
	default:
		return false
	}
}

// consult calls a schedule. For a schedule of this package the decision is ready
// when consult returns.
func (j *Job) consult(l *session, q decideInput, version uint32, now time.Time) *ask {
	a := &ask{q: q, version: version, ready: make(chan struct{}), since: now.UnixNano()}
	if ours(q.schedule) {
		a.decision, a.err = decide(q, nil)
		close(a.ready)
		return a
	}
	l.aside(j.name+" (Next of its Schedule)", func() (err error) {
		found, err := decide(q, nil)
		j.mu.Lock()
		defer j.mu.Unlock()
		a.decision = found
		return err
	}, func(err error) {
		j.mu.Lock()
		a.err = err
		close(a.ready)
		scheduler := j.scheduler
		j.mu.Unlock()
		scheduler.poke(j)
	})
	return a
}

// consultLocked calls a user's schedule for what is due, or applies its decision.
// It reports false if the job has to wait for the call.
func (j *Job) consultLocked(q decideInput) bool {
	a := j.asked
	if a == nil {
		j.asked = j.consult(j.session, q, j.version, q.now)
		return false
	}
	if !closed(a.ready) {
		return false
	}
	j.asked = nil
	if a.version == j.version { // otherwise call it again
		j.applyLocked(a.q, a.decision, a.err, q.now)
	}
	return true
}

// hangsLocked reports, once for each call, that the schedule hangs.
func (j *Job) hangsLocked(now time.Time) bool {
	a := j.asked
	if a == nil || a.logged || a.since+int64(overdueAfter) > now.UnixNano() {
		return false
	}
	a.logged = true
	return true
}

// zoneLocked returns the location of the clock. The job must have been started.
func (j *Job) zoneLocked() *time.Location { return j.scheduler.time.wall.Location() }

// patience is how long Start, Add and SetSchedule wait, in total, for schedules of
// the user.
type patience struct {
	ctx context.Context
	end context.CancelFunc
}

// wait reports whether the decision is there.
func (p *patience) wait(a *ask) bool {
	if closed(a.ready) {
		return true
	}
	if p.ctx == nil {
		p.ctx, p.end = withSecond()
	}
	select {
	case <-a.ready:
		return true
	case <-p.ctx.Done():
		return false
	}
}

func (p *patience) stop() {
	if p.end != nil {
		p.end()
	}
}

var errHangs = errors.New("the schedule does not return from Next")

// aside runs call on a goroutine of its own, so that the loop does not wait for it,
// and then done, which may be nil. what names the call in the error of a Stop that
// it outlives. A nil session, of a job that is not started, does not track the
// call.
func (l *session) aside(what string, call func() error, done func(error)) {
	if l == nil {
		go guard.Run(call, done)
		return
	}
	l.mu.Lock()
	id := new(string)
	*id = what
	if l.asides == nil {
		l.asides = make(map[*string]struct{})
	}
	l.asides[id] = struct{}{}
	l.mu.Unlock()
	go guard.Run(call, func(err error) {
		if done != nil {
			done(err)
		}
		l.mu.Lock()
		delete(l.asides, id)
		if len(l.asides) == 0 && l.alone != nil {
			close(l.alone)
			l.alone = nil
		}
		l.mu.Unlock()
	})
}

// asidesEnd waits for the tracked calls until ctx is done, and returns the names of
// the calls that have not returned.
func (l *session) asidesEnd(ctx context.Context) (left []string) {
	l.mu.Lock()
	if len(l.asides) == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.alone == nil {
		l.alone = make(chan struct{})
	}
	alone := l.alone
	l.mu.Unlock()
	if comes(ctx, alone) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for what := range l.asides {
		left = append(left, *what)
	}
	slices.Sort(left)
	return left
}

// asidesLeft returns how many tracked calls a Stop has abandoned.
func (l *session) asidesLeft() int {
	if l == nil || !l.abandoned.Load() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asides)
}
