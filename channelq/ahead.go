package channelq

import (
	"slices"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
)

// A worker with quick handlers takes items ahead, in runs, since what costs most
// then is taking them. Nothing is to wait behind a stuck handler for that:
//
//   - A worker that would wait, for whatever, first says so (wanted) and then
//     takes back what others have not started. A worker that begins a run looks
//     at wanted once the run can be seen, and calls one that waits. One of the two
//     sees the other, and who is called and finds something calls the next.
//   - A worker that need not wait looks from time to time at another one, always
//     if its own handlers are slow, and takes back what that has not started if
//     it is still at the same item.
//   - Pause, Stop, Resize and RateLimit set attention and then take back all runs.
//     A worker that begins a run looks at attention after the run can be seen.
const (
	maxRun       = 16
	minRun       = 4                     // less is not worth a look at the length of the queue
	maxCrew      = 64                    // of workers that look into each other's hands
	quickHandler = 10 * time.Microsecond // beyond, taking an item costs nothing to speak of
)

// mayRun: what others take from the queue too stays there for them, and with a
// key or a timeout an item costs more than to take it.
func (w *Workers[T]) mayRun() bool {
	return w.cfg.Key == nil && w.cfg.Timeout == 0 && !w.cfg.Detach
}

// takeQuick takes items that are there, if nothing but handling them needs to be
// thought of. The attempt that is sampled and whatever is to wait go the long
// way.
func (w *Workers[T]) takeQuick(s *slot[T]) int {
	if !s.quick || s.runs%sampleRuns == 0 || w.attention.Load() {
		return 0
	}
	if n := w.share(s); n > 1 {
		n, _ = w.q.engine.TryTakeN(s.run[:n])
		return n
	}
	if w.q.engine.TryTake(&s.run[0]) == engine.OK {
		return 1
	}
	return 0
}

// share is how many items the worker may take: its share of half of those that
// are there. While that is too few for a run, it looks seldom: the length is
// where producers write.
func (w *Workers[T]) share(s *slot[T]) int {
	if !s.ahead && s.runs%8 != 1 || s.crew > maxCrew {
		return 1
	}
	n := min(w.q.engine.Len()/(2*s.crew), len(s.run))
	s.ahead = n >= minRun
	if !s.ahead {
		return 1
	}
	return min(n, sampleRuns-int(s.runs%sampleRuns))
}

// runAll is the time of n items that were taken now in a worker's hands. False
// means that a stop has given up on one of them.
func (w *Workers[T]) runAll(s *slot[T], n int) bool {
	s.past = past{attempts: 1}
	s.own = started(n)
	if !s.grip.CompareAndSwap(free, s.own) {
		w.giveBackRun(s, n)
		return true
	}
	if n > 1 && (w.attention.Load() || w.wanted.Load()) {
		w.lookAfter(s)
	}
	err := w.attemptAll(s)
	if next(s.own) < n {
		w.takeBack(s) // also if it was done: only the lock says that it is over
	}
	return w.settled(s, err)
}

// attemptAll calls the handler for one item after the other, until one fails or
// something else ends the run. The last one is still to be settled.
func (w *Workers[T]) attemptAll(s *slot[T]) error {
	returned := false
	err := guard.Call(func() error {
		for {
			s.runs++
			item := &s.run[next(s.own)-1]
			returned = false
			err := w.handle(w.base, *item)
			inspect(err)
			returned = true
			if err != nil || s.own == alone(s.own) || !s.grip.CompareAndSwap(s.own, s.own+one) {
				return err
			}
			s.own += one
			var zero T
			*item = zero // so that it can be collected
			w.q.books.handled.add(s.index, 1)
		}
	})
	return w.outcome(w.base, s, err, returned)
}

// lookAfter is for a run that was begun while something else is to do, or while
// others wait.
func (w *Workers[T]) lookAfter(s *slot[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.attention.Load() {
		w.takeBackLocked(s)
	}
	w.callOneLocked()
}

// takeBack lets others have what s has not started.
func (w *Workers[T]) takeBack(s *slot[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.takeBackLocked(s) {
		w.callOneLocked()
	}
}

// takeBackLocked makes due what s has not started, and says whether that was
// anything. The worker does not touch its run again before it had the lock.
func (w *Workers[T]) takeBackLocked(s *slot[T]) bool {
	for {
		g := s.grip.Load()
		if g == alone(g) {
			return false
		}
		if s.grip.CompareAndSwap(g, alone(g)) {
			w.dueFirstLocked(s.run[next(g):end(g)])
			return true
		}
	}
}

// takeBackAllLocked ends all runs and says whether there was one.
func (w *Workers[T]) takeBackAllLocked() (some bool) {
	if !w.mayRun() {
		return false
	}
	for _, s := range w.slots {
		if w.takeBackLocked(s) {
			some = true
		}
	}
	return some
}

// probeLocked looks at one of the workers, each time at another, and takes back
// what it holds if it was at the same item the last time.
func (w *Workers[T]) probeLocked() {
	if !w.mayRun() {
		return
	}
	w.probe++
	s := w.slots[w.probe%len(w.slots)]
	g := s.grip.Load()
	if g == s.seen {
		w.takeBackLocked(s)
	}
	s.seen = g
}

// giveBackRun makes due n items that were taken and may not be started now.
func (w *Workers[T]) giveBackRun(s *slot[T], n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dueFirstLocked(s.run[:n])
}

// dueFirstLocked makes due what was taken and not started.
func (w *Workers[T]) dueFirstLocked(items []T) {
	for _, item := range slices.Backward(items) {
		w.parked.dueFirst(entry[T]{item: item})
	}
	clear(items)
	w.parkedByLocked(len(items))
	w.refreshLocked()
}
