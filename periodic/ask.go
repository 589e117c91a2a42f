package periodic

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// A schedule that is somebody else's code is asked on a goroutine of its own: it
// may hang, and then its job waits and nobody else does.

// ask is a question that such a schedule has before it. All but ready is guarded by
// the job's lock.
type ask struct {
	q      question
	gen    uint32        // of the job, for which the question was made
	ready  chan struct{} // closed when the answer is there
	since  int64         // Unix nanoseconds
	told   bool          // the log has it that it hangs
	answer answer
	err    error
}

// ours says whether s is made of schedules of this package alone, which return.
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

// consult puts a question to a schedule. The answer of one of ours is there when
// it returns.
func (j *Job) consult(l *life, q question, gen uint32, now time.Time) *ask {
	a := &ask{q: q, gen: gen, ready: make(chan struct{}), since: now.UnixNano()}
	if ours(q.schedule) {
		a.answer, a.err = decide(q, nil)
		close(a.ready)
		return a
	}
	l.aside(j.name+" (Next of its Schedule)", func() (err error) {
		found, err := decide(q, nil)
		j.mu.Lock()
		defer j.mu.Unlock()
		a.answer = found
		return err
	}, func(err error) {
		j.mu.Lock()
		a.err = err
		close(a.ready)
		home := j.home
		j.mu.Unlock()
		home.poke(j)
	})
	return a
}

// consultLocked puts a question that is due to a foreign schedule, or carries out
// its answer. It reports false while there is nothing to do but wait.
func (j *Job) consultLocked(q question) bool {
	a := j.asked
	if a == nil {
		j.asked = j.consult(j.life, q, j.gen, q.now)
		return false
	}
	if !closed(a.ready) {
		return false
	}
	j.asked = nil
	if a.gen == j.gen { // else ask again
		j.answerLocked(a.q, a.answer, a.err, q.now)
	}
	return true
}

// hangsLocked says, once, that the schedule does not answer.
func (j *Job) hangsLocked(now time.Time) bool {
	a := j.asked
	if a == nil || a.told || a.since+int64(stuckAfter) > now.UnixNano() {
		return false
	}
	a.told = true
	return true
}

// zoneLocked is that of the clock. The job was started.
func (j *Job) zoneLocked() *time.Location { return j.home.time.wall.Location() }

// patience is how long Start, Add and SetSchedule wait for answers of schedules,
// all together.
type patience struct {
	ctx context.Context
	end context.CancelFunc
}

// wait reports whether the answer is there.
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

// aside makes a call that the loop does not wait for, and then calls done, which
// may be nil. what is who is to blame if it does not return. A nil life, of a job
// that is not started, keeps no account of it.
func (l *life) aside(what string, call func() error, done func(error)) {
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

// asidesEnd waits for the calls that are on until ctx ends, and names those that do
// not return.
func (l *life) asidesEnd(ctx context.Context) (left []string) {
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

// asidesLeft is how many of them a Stop has left behind.
func (l *life) asidesLeft() int {
	if l == nil || !l.abandoned.Load() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asides)
}
