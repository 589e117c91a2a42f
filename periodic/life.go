package periodic

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// life is the time from one Start of a scheduler to the end of the last run that
// began in it. A scheduler that is started again gets a new one, so that runs
// left over by a stop that timed out are not mistaken for its own.
type life struct {
	base  context.Context // of all runs: the values given to Start, and no end
	quit  chan struct{}   // closed to end the loop: from then on no run begins
	done  chan struct{}   // closed when the loop has ended
	stop  func()          // closes quit, once
	waits context.Context // for a place of the limit; ends with quit
	brim  gate            // of the limit that the scheduler may have

	deaf func() bool // ends the wait for the stop of the host; nil: there is no host

	abandoned atomic.Bool // a Stop left runs or other calls behind
	announced atomic.Bool // the stop began with Stopping
	demanded  atomic.Bool // Stop was called

	// Set before the jobs are deactivated, so that an Add which was on its way in
	// this life does not activate its job after that.
	retired atomic.Bool

	mu   *sync.Mutex   // the crew's
	runs *run          // those that are on, a list
	idle chan struct{} // somebody waits for the last run; closed by it

	asides map[*string]struct{} // other calls that are on, by what they are
	alone  chan struct{}        // as idle
}

func newLife(ctx context.Context, mu *sync.Mutex) *life {
	l := &life{
		mu:   mu,
		base: context.WithoutCancel(ctx),
		quit: make(chan struct{}),
		done: make(chan struct{}),
	}
	waits, cancel := context.WithCancelCause(l.base)
	l.waits = waits
	l.stop = sync.OnceFunc(func() {
		close(l.quit)
		cancel(ErrStopping)
	})
	return l
}

// comes waits for what takes no time unless something is broken, until ctx ends and
// a moment more, because a ctx may have ended before anybody looked.
func comes(ctx context.Context, what <-chan struct{}) bool {
	select {
	case <-what:
		return true
	case <-ctx.Done():
	}
	moment, cancel := withMoment()
	defer cancel()
	select {
	case <-what:
		return true
	case <-moment.Done():
		return false
	}
}

// addLocked is called by the loop, with the crew's lock held.
func (l *life) addLocked(r *run) {
	if r.next = l.runs; r.next != nil {
		r.next.prev = r
	}
	l.runs = r
}

// remove is the last a run does.
func (l *life) remove(r *run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.runs = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	if l.runs == nil && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// whenIdle returns a channel that is closed when no run is on. It is of use only
// after the loop has ended, when no run can be added. A sync.WaitGroup would do
// if it could be waited for with a deadline.
func (l *life) whenIdle() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	idle := l.idle
	if l.runs == nil {
		close(idle)
		l.idle = nil
	}
	return idle
}

func (l *life) snapshot() (runs []*run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := l.runs; r != nil; r = r.next {
		runs = append(runs, r)
	}
	return runs
}

// cancel ends the contexts of all runs, or of those alone whose jobs want it at
// the beginning of a stop.
func (l *life) cancel(all bool) {
	for _, r := range l.snapshot() {
		if all || r.job.extra.cancelOnStop {
			r.cancel(ErrStopping)
		}
	}
}

// names lists the jobs with a run that is on, each once.
func (l *life) names() []string {
	var names []string
	for _, r := range l.snapshot() {
		names = append(names, r.job.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
