package periodic

import "sync"

// runPool executes the runs that the loop hands over. Each run begins at once and
// beside all others, on fewer goroutines than there are runs: a goroutine that has
// finished a run takes the next one that has not begun. Short runs that are due
// together share a few goroutines, and a hundred thousand of them do not need a
// stack each.
//
// A run never waits for another one to return. While a run waits, a goroutine has
// been started that has not taken a run yet. However long a run takes, and even if
// it ends its goroutine, the runs behind it do not wait for it.
//
// The lock also guards the lists of running runs, which each run leaves at its end.
// With a lock of their own, a goroutine that lost its processor while it held that
// lock would stop all others there, each after it had started the next one: a
// goroutine for each run. With one lock they stop where they would start another.
type runPool struct {
	mu       sync.Mutex
	waits    runQueue // runs that wait for a goroutine
	starting bool     // a goroutine was started that has not called take yet
}

// runQueue is a list of runs in the order in which they came, linked by run.nextQueued.
type runQueue struct{ first, last *run }

func (l *runQueue) push(r *run) {
	if l.first == nil {
		l.first = r
	} else {
		l.last.nextQueued = r
	}
	l.last = r
}

func (l *runQueue) pop() *run {
	r := l.first
	if r != nil {
		l.first, r.nextQueued = r.nextQueued, nil
	}
	return r
}

// start hands over runs. All runs that are due together are handed over in one
// call. Otherwise each could find that the goroutine of the previous one has
// arrived already.
func (c *runPool) start(runs runQueue) {
	if runs.first == nil {
		return
	}
	c.mu.Lock()
	for r := runs.first; r != nil; r = r.nextQueued {
		r.session.addLocked(r)
	}
	if c.waits.first == nil {
		c.waits = runs
	} else {
		c.waits.last.nextQueued, c.waits.last = runs.first, runs.last
	}
	call := !c.starting
	c.starting = true
	c.mu.Unlock()
	if call {
		go c.work()
	}
}

// work is one goroutine of the pool.
func (c *runPool) work() {
	for arrived := true; ; arrived = false {
		r := c.take(arrived)
		if r == nil {
			return
		}
		r.execute()
		if r.job.own {
			return // its labels are those of the service, and the run may have changed them
		}
	}
}

// take returns a waiting run, or nil. It starts another goroutine if more runs
// wait.
func (c *runPool) take(arrived bool) *run {
	c.mu.Lock()
	if arrived {
		c.starting = false
	}
	r := c.waits.pop()
	call := c.waits.first != nil && !c.starting
	c.starting = c.starting || call
	c.mu.Unlock()
	if call {
		go c.work()
	}
	return r
}
