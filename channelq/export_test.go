package channelq

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// TakeAhead makes a worker by hand, before Start, that has prefetched n items and has
// not begun with them: it lost its processor there. The function it returns goes
// on with them, after Start, and ends the worker.
func (w *Workers[T]) TakeAhead(n int) (resume func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wk := w.newWorkerLocked()
	if n, _ = wk.hands.takeNow(n); n == 0 {
		panic("nothing to take")
	}
	wk.tookAhead(n)
	return func() {
		wk.run()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.removeLocked(wk)
	}
}

// Places returns how many workers there are, or -1 if one of them does not know its
// place, and whether one has ever prefetched.
func (c *consumer) Places() (n int, prefetched bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.workers {
		if w.pos != i {
			return -1, false
		}
	}
	return len(c.workers), c.prefetched.Load()
}

// LatePlan is when OnLeftover's context and the wait for it end, by a plan with these
// times, when it is called now.
func LatePlan(abandon, left, end, now time.Time) (newLeft, newEnd time.Time) {
	p := plan{abandon: abandon, left: left, end: end}.late(now)
	return p.left, p.end
}

// Free reports whether nobody holds a lock of the consumer, its list of failures or
// its queue for long. One that the caller itself holds is never free; one that
// another goroutine holds may take its time on a busy machine.
func (c *consumer) Free() bool {
	for _, mu := range []*sync.Mutex{&c.mu, &c.failed.mu, &c.q.mu} {
		for end := time.Now().Add(time.Minute); !mu.TryLock(); runtime.Gosched() {
			if time.Now().After(end) {
				return false
			}
		}
		mu.Unlock()
	}
	return true
}

// ReleaseAll makes all parked items due.
func (w *workers) ReleaseAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked.release(time.Now().Add(1000*time.Hour), w.parked.size())
}

// CallWhileAllWait waits until that many items are parked and every worker waits for the queue.
// Then it keeps the mutex from the workers while between runs, and calls one of them for
// each parked item, as manage does when they come due.
func (c *consumer) CallWhileAllWait(parked int, between func()) {
	ready := func() bool {
		return c.parked.size() == parked && !slices.ContainsFunc(c.workers, func(w *worker) bool { return w.place != atQueue })
	}
	for c.mu.Lock(); !ready(); c.mu.Lock() {
		c.mu.Unlock()
		runtime.Gosched()
	}
	defer c.mu.Unlock()
	between()
	for range c.parked.release(time.Now().Add(1000*time.Hour), parked) {
		c.wakeOneLocked()
	}
	c.refreshLocked()
}
