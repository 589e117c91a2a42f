package periodic

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// session is the time from one Start of a scheduler to the end of the last run that
// began in it. A scheduler that is started again gets a new session, so that runs
// left over by a stop that timed out are not mistaken for its own.
type session struct {
	base  context.Context // context of all runs: the values given to Start, never canceled
	quit  chan struct{}   // closed to end the loop; no run begins after that
	done  chan struct{}   // closed when the loop has ended
	stop  func()          // closes quit once
	waits context.Context // context of waits for the limit; canceled with quit
	gate  gate            // for the limit of the scheduler

	unhook func() bool // ends the wait for the stop of the host; nil if there is no host

	abandoned atomic.Bool // a Stop abandoned runs or other calls
	announced atomic.Bool // the stop began with Stopping
	demanded  atomic.Bool // Stop was called

	// Set before the jobs are deactivated, so that a concurrent Add does not activate
	// its job after that.
	retired atomic.Bool

	mu   *sync.Mutex   // that of the runPool
	runs *run          // the running runs, a list
	idle chan struct{} // if not nil, closed by the last run

	asides map[*string]struct{} // calls made by aside that have not returned, by name
	alone  chan struct{}        // if not nil, closed by the last such call
}

func newSession(ctx context.Context, mu *sync.Mutex) *session {
	l := &session{
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

// comes waits for what takes no time unless something is broken. It waits until ctx
// is done and a moment longer, because ctx may have been done before the call.
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

// addLocked adds a run. The loop calls it with the lock of the runPool held.
func (l *session) addLocked(r *run) {
	if r.next = l.runs; r.next != nil {
		r.next.prev = r
	}
	l.runs = r
}

// remove is the last action of a run.
func (l *session) remove(r *run) {
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

// whenIdle returns a channel that is closed when no run is running. It is
// meaningful only after the loop has ended, when no run can be added. A
// sync.WaitGroup cannot be waited for with a deadline.
func (l *session) whenIdle() <-chan struct{} {
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

func (l *session) snapshot() (runs []*run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := l.runs; r != nil; r = r.next {
		runs = append(runs, r)
	}
	return runs
}

// cancel cancels the contexts of all runs, or only of those whose jobs have
// CancelOnStop.
func (l *session) cancel(all bool) {
	for _, r := range l.snapshot() {
		if all || r.job.extra.cancelOnStop {
			r.cancel(ErrStopping)
		}
	}
}

// names returns the names of the jobs with a running run, each once.
func (l *session) names() []string {
	var names []string
	for _, r := range l.snapshot() {
		names = append(names, r.job.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
