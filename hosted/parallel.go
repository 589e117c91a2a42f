package hosted

import "context"

// parallel calls do for each unit, running at most limit calls at once (0 means no
// limit). It calls do(u) after do has returned for every unit in before(u). dependents
// is the inverse of before. Units that are not in the list are ignored. If do returns
// false, no further call begins. parallel returns when all calls have returned, and
// reports whether do returned true for every unit.
//
// do may call giveUp once, before it returns, to no longer count against limit.
//
// With limit 1 the units are taken as listed, which must agree with before, on the
// caller's goroutine, and giveUp is nil. A goroutine and two sends for each of 1,000
// loops would double what their start and stop take (2.8 us a loop).
func parallel(units []*unit, limit int, before, dependents func(*unit) []*unit, do func(u *unit, giveUp func()) bool) bool {
	if limit == 1 {
		for _, u := range units {
			if !do(u, nil) {
				return false
			}
		}
		return true
	}
	open := make(map[*unit]int, len(units)) // calls that a unit waits for
	for _, u := range units {
		open[u] = 0
	}
	var ready []*unit
	for _, u := range units {
		for _, b := range before(u) {
			if _, listed := open[b]; listed {
				open[u]++
			}
		}
		if open[u] == 0 {
			ready = append(ready, u)
		}
	}
	type event struct {
		u            *unit
		returned, ok bool // returned is false for a place given up
	}
	events := make(chan event, 2*len(units)) // giveUp must not block
	gaveUp := map[*unit]bool{}
	running, counted, goOn := 0, 0, true
	for {
		for goOn && len(ready) > 0 && (limit == 0 || counted < limit) {
			u := ready[0]
			ready = ready[1:]
			running++
			counted++
			go func() {
				ok := do(u, func() { events <- event{u: u} })
				events <- event{u, true, ok}
			}()
		}
		if running == 0 {
			return goOn
		}
		e := <-events
		if !e.returned {
			gaveUp[e.u] = true
			counted--
			continue
		}
		running--
		if !gaveUp[e.u] {
			counted--
		}
		goOn = goOn && e.ok
		for _, next := range dependents(e.u) {
			if open[next]--; open[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
}

// startOne is startUnit. Started in parallel, a service has a place while it starts,
// which [Coordinator] gives up for it, and its failure ends the other starts.
func (h *Host) startOne(ctx context.Context, u *unit, giveUp func()) bool {
	if giveUp == nil {
		return h.startUnit(ctx, u)
	}
	h.mu.Lock()
	if h.startSlots == nil {
		h.startSlots = map[*unit]func(){}
	}
	h.startSlots[u] = giveUp
	h.mu.Unlock()
	ok := h.startUnit(ctx, u)
	h.mu.Lock()
	delete(h.startSlots, u)
	h.mu.Unlock()
	if !ok {
		h.cancelStart(errSiblingFailed)
	}
	return ok
}
