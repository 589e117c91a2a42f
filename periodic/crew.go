package periodic

import "sync"

// crew runs what the loop hands it, each run at once and beside all others, on
// fewer goroutines than there are runs: one that is through with a run takes the
// next that has not begun. Short runs that are due together so share a few, and
// a hundred thousand of them do not need a stack each.
//
// What makes that as good as a goroutine for each: while a run waits, a goroutine
// is on its way that has taken none yet. However long a run takes, or if it ends
// its goroutine, those behind it do not wait for it.
//
// The lock is also that of the lists of runs that are on, which each run leaves at
// its end. With one of their own, a goroutine that lost its processor while it held
// that would stop all others there, each after it had called the next one: a
// goroutine for each run. So they stop where they would call.
type crew struct {
	mu     sync.Mutex
	waits  line // for a goroutine
	coming bool // a goroutine was started that has not come here yet
}

// line is runs in the order in which they came, linked by run.behind.
type line struct{ first, last *run }

func (l *line) push(r *run) {
	if l.first == nil {
		l.first = r
	} else {
		l.last.behind = r
	}
	l.last = r
}

func (l *line) pop() *run {
	r := l.first
	if r != nil {
		l.first, r.behind = r.behind, nil
	}
	return r
}

// start hands over runs. All that are due together in one call: one by one, each
// could find that the goroutine of the one before has come already.
func (c *crew) start(runs line) {
	if runs.first == nil {
		return
	}
	c.mu.Lock()
	for r := runs.first; r != nil; r = r.behind {
		r.life.addLocked(r)
	}
	if c.waits.first == nil {
		c.waits = runs
	} else {
		c.waits.last.behind, c.waits.last = runs.first, runs.last
	}
	call := !c.coming
	c.coming = true
	c.mu.Unlock()
	if call {
		go c.work()
	}
}

// work is a goroutine of the crew.
func (c *crew) work() {
	for arrived := true; ; arrived = false {
		r := c.take(arrived)
		if r == nil {
			return
		}
		r.execute()
		if r.job.own {
			return // its labels are the service's, and the run may have changed them
		}
	}
}

// take returns a run that waits, or nil, and calls for another goroutine if more
// do.
func (c *crew) take(arrived bool) *run {
	c.mu.Lock()
	if arrived {
		c.coming = false
	}
	r := c.waits.pop()
	call := c.waits.first != nil && !c.coming
	c.coming = c.coming || call
	c.mu.Unlock()
	if call {
		go c.work()
	}
	return r
}
