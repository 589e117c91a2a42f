package hosted

import (
	"sync/atomic"
	"time"
)

// budget divides the time of a stop among the calls it has to make: each call that
// waits keeps an equal share of a quarter of it, the next one keeps another quarter,
// and the one whose turn it is may use all the rest. What a call does not use flows
// on to those after it.
//
// The quarter is there once: a second call that uses up its turn leaves to each of
// the others the share that is its own.
type budget struct {
	end   time.Time     // zero means there is no end
	share time.Duration // of each call that waits
	next  time.Duration // beside its share, of the one that waits next
}

// newBudget divides the time from now to end among calls.
func newBudget(now, end time.Time, calls int) budget {
	if end.IsZero() || calls == 0 {
		return budget{end: end}
	}
	quarter := max(0, end.Sub(now)) / 4
	return budget{end: end, share: quarter / time.Duration(calls), next: quarter}
}

// turn is the deadline of a call that begins now with so many more to come;
// limit, if not zero, is how long it may take at most.
func (b budget) turn(now time.Time, toCome int, limit time.Duration) time.Time {
	deadline := b.end
	if !b.end.IsZero() {
		if toCome > 0 {
			free := b.end.Sub(now) - time.Duration(toCome)*b.share
			deadline = now.Add(max(free-b.next, min(free, b.next+b.share)))
		}
		// After the end, as when a caller gave no time at all, every call is
		// still made. Each has a millisecond to return, and all together have
		// overrunLimit.
		if least := now.Add(time.Millisecond); deadline.Before(least) && least.Before(b.end.Add(overrunLimit)) {
			deadline = least
		}
	}
	if limit > 0 && (deadline.IsZero() || now.Add(limit).Before(deadline)) {
		deadline = now.Add(limit)
	}
	return deadline
}

// overrunLimit is how long after its end a stop still gives calls time to return.
const overrunLimit = 25 * time.Millisecond

// turns counts the turns of a stop in which at most limit services stop at once (0
// means no limit): so many that follow each other share the budget.
type turns struct {
	limit   int
	after   []int        // turns after a unit's own, along the longest chain from it, by rank
	longest int          // chain of turns
	waiting atomic.Int32 // turns that have not begun
}

// turnsOf counts the turns of all units, in the order of the start. A unit that has
// nothing to stop, such as a Task, keeps its place in the order and has no turn.
func turnsOf(units []*unit, limit int) *turns {
	t := &turns{limit: limit, after: make([]int, len(units))}
	for _, u := range units {
		for _, n := range u.needs() {
			t.after[u.rank] = max(t.after[u.rank], t.after[n.rank]+n.turns())
		}
		t.longest = max(t.longest, t.after[u.rank]+u.turns())
		t.waiting.Add(int32(u.turns()))
	}
	return t
}

// turns is 1 if the unit has something to stop. Its start has ended.
func (u *unit) turns() int {
	if u.started {
		return 1
	}
	return 0
}

// most is how many turns follow each other at most, before the first one begins.
func (t *turns) most() int {
	if t.limit == 0 {
		return t.longest
	}
	return t.rounds()
}

// toCome is how many turns follow each other at most after that of u, which begins.
func (t *turns) toCome(u *unit) int {
	if t.limit == 0 {
		return t.after[u.rank]
	}
	return t.rounds()
}

// rounds is how many of the turns that wait follow each other at most: each frees a
// place for another one, unless a chain holds them up.
func (t *turns) rounds() int {
	n := int(t.waiting.Load())
	return min(n, t.longest+(n+t.limit-1)/t.limit)
}
