package hosted

import (
	"slices"
	"sync/atomic"
	"time"
)

// sideways is a stop of several services at once, along the graph.
type sideways struct {
	units   []*unit       // in the order of the start
	limit   int           // how many at once; 0: no limit
	after   map[*unit]int // turns that a unit's own is followed by, along the longest chain from it
	longest int           // chain of turns
	waiting atomic.Int32  // services that have something to stop and have not begun to
}

// sidewaysOf looks at all units, in the order of the start. What has nothing to
// stop, such as a Task, keeps its place in the order and takes no time.
func sidewaysOf(units []*unit, limit int) *sideways {
	s := &sideways{units: units, limit: limit, after: make(map[*unit]int, len(units))}
	for _, u := range units {
		for _, n := range u.needs() {
			s.after[u] = max(s.after[u], s.after[n]+n.turns())
		}
		s.longest = max(s.longest, s.after[u]+u.turns())
		s.waiting.Add(int32(u.turns()))
	}
	return s
}

// turns is 1 if the service has something to stop. Its start is over.
func (u *unit) turns() int {
	if u.started {
		return 1
	}
	return 0
}

// toCome is how many turns there are at most, one after the other, among the
// services that wait and those behind u.
func (s *sideways) toCome(u *unit) int {
	if s.limit == 0 {
		return s.after[u]
	}
	return s.rounds(int(s.waiting.Load()))
}

// calls is toCome at the beginning.
func (s *sideways) calls() int {
	if s.limit == 0 {
		return s.longest
	}
	return s.rounds(int(s.waiting.Load()))
}

// rounds is how many turns of n services follow each other at most: a place is
// free after each, or a chain holds them up.
func (s *sideways) rounds(n int) int { return min(n, s.longest+(n+s.limit-1)/s.limit) }

// run stops the units, each when those that come after it have stopped; later is
// how many calls follow when all have.
func (s *sideways) run(plan budget, later int) {
	units := slices.Clone(s.units)
	slices.Reverse(units)
	chosen := make(map[*unit]bool, len(units)) // RunTask starts only some of a graph
	for _, u := range units {
		chosen[u] = true
	}
	needed := func(u *unit) (us []*unit) {
		for _, n := range u.needed() {
			if chosen[n] {
				us = append(us, n)
			}
		}
		return us
	}
	sideBySide(units, s.limit, needed, (*unit).needs, func(u *unit, _ func()) bool {
		if u.started {
			s.waiting.Add(-1)
			now := time.Now()
			u.stop(now, plan.turn(now, s.toCome(u)+later, u.stopTimeout), &alarm{})
		}
		return true
	})
}
