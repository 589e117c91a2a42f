package hosted

import (
	"slices"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// schedule is how the turns of one host follow each other, in a [StopPlan].
type schedule struct {
	limit   int           // turns at once; 0 means no limit
	turns   []plannedTurn // in the order of the stop
	calls   int           // hooks and turns that follow each other
	after   int           // hooks behind the last turn
	drain   time.Duration // before the first turn
	timeout time.Duration // from the request to the end; negative if there is no limit
	end     time.Time     // of a stop that was requested; zero if there is no limit
	budget  *budget       // of turns that have begun; nil means fill divides the time
}

// plannedTurn is the turn of one step.
type plannedTurn struct {
	step     int // in StopPlan.Steps
	toCome   int // turns that follow
	after    []int
	timeout  time.Duration // StopTimeout
	deadline time.Time     // of a turn that is under way
	inner    *schedule     // of a nested host
}

// planTurns adds the steps of this host to p, under names that begin with prefix.
func (h *Host) planTurns(p *StopPlan, prefix string, timeout time.Time) schedule {
	s, units, steps := h.snapshot(p.At)
	for _, u := range units {
		if s.budget == nil && hookOf(u, stoppingHook.Stopping) != nil {
			s.calls++
		}
		if hookOf(u, stoppedHook.Stopped) != nil {
			s.calls++
			s.after++
		}
	}
	p.Steps = slices.Grow(p.Steps, len(steps))
	for i, a := range h.inHand(units, timeout) {
		step := steps[i]
		step.Service = prefix + step.Service
		step.InHand, step.What, step.Unknown, step.Ended = a.count, a.what, !a.known, a.ended
		if step.Needs = -1; step.Over || a.known && a.count == 0 {
			step.Needs = 0
		}
		s.turns[i].step = len(p.Steps)
		p.Steps = append(p.Steps, step)
		if a.inner != nil {
			inner := a.inner.planTurns(p, step.Service+"/", timeout)
			s.turns[i].inner = &inner
		}
	}
	return s
}

// snapshot is what the host knows of its stop without asking anybody.
func (h *Host) snapshot(now time.Time) (s schedule, units []*unit, steps []StopStep) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s = schedule{limit: h.cfg.stopLimit(), timeout: h.cfg.ShutdownTimeout, budget: h.division}
	switch req := h.marks.Request(); {
	case req.Cause != nil:
		s.end, s.timeout = h.endOf(req), -1
		if h.drainsLocked() {
			end := h.drainEnd
			if end.IsZero() { // it is about to begin
				end = req.At.Add(h.cfg.DrainDelay)
			}
			s.drain = max(0, end.Sub(now))
		}
	case !h.noDrain:
		s.drain = h.cfg.DrainDelay
	}
	if !h.ordered {
		return s, nil, nil
	}
	turns := turnsOf(h.units, s.limit)
	s.calls = turns.most()
	room := len(h.units)
	units, steps, s.turns = make([]*unit, 0, room), make([]StopStep, 0, room), make([]plannedTurn, 0, room)
	index := map[*unit]int{} // of services that are stopped side by side
	for _, u := range slices.Backward(h.units) {
		if !u.started {
			continue
		}
		turns.waiting.Add(-1)
		t := plannedTurn{toCome: turns.toCome(u), timeout: u.stopTimeout}
		step := StopStep{Service: u.name, State: u.state, Over: u.turned, Took: u.stopTook}
		if !u.turned && u.state == lifecycle.Stopping {
			step.Took, t.deadline = now.Sub(u.since), u.turnEnd
		}
		if s.limit != 1 {
			for _, n := range u.needed() {
				if i, ok := index[n]; ok {
					t.after = append(t.after, i)
				}
			}
			index[u] = len(units)
		}
		units, steps, s.turns = append(units, u), append(steps, step), append(s.turns, t)
	}
	return s, units, steps
}

// endFrom is the end of a stop that begins at begin, or that was requested; zero if
// there is no limit.
func (s *schedule) endFrom(begin time.Time) time.Time {
	if s.timeout < 0 {
		return s.end
	}
	return begin.Add(s.timeout)
}

// fill sets what depends on the needs of the steps, for a stop that begins at begin and
// has until outer, if that is not zero. It returns when the last turn ends.
func (s *schedule) fill(steps []StopStep, at, begin, outer time.Time) time.Time {
	end := s.endFrom(begin)
	if !outer.IsZero() && (end.IsZero() || outer.Before(end)) {
		end = outer
	}
	first := begin.Add(s.drain)
	plan := s.budget
	if plan == nil {
		made := newBudget(first, end, s.calls)
		plan = &made
	}
	last := first
	ends := make([]time.Time, len(s.turns))
	places := slices.Repeat([]time.Time{first}, min(s.limit, len(s.turns))) // when each is free
	for i, t := range s.turns {
		step := &steps[t.step]
		if step.Over {
			continue
		}
		from := first
		for _, j := range t.after {
			from = later(from, ends[j])
		}
		place := earliest(places)
		if place >= 0 {
			from = later(from, places[place])
		}
		if step.State == lifecycle.Stopping {
			from = at
		} else {
			t.deadline = plan.turn(from, t.toCome+s.after, t.timeout)
		}
		step.Begins, step.Share = from.Sub(at), -1
		if !t.deadline.IsZero() {
			step.Share = max(0, t.deadline.Sub(from))
		}
		takes := max(0, step.Needs)
		if t.inner != nil {
			takes = t.inner.fill(steps, at, from, t.deadline).Sub(from)
			step.Needs = takes
		}
		if step.Cut = step.Share >= 0 && takes > step.Share; step.Cut {
			takes = step.Share
		}
		ends[i] = from.Add(takes)
		last = later(last, ends[i])
		if place >= 0 {
			places[place] = ends[i]
		}
	}
	return last
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earliest is the index of the earliest of all; -1 if there is none.
func earliest(all []time.Time) int {
	found := -1
	for i, t := range all {
		if found < 0 || t.Before(all[found]) {
			found = i
		}
	}
	return found
}
