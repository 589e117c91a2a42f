package hosted

import "context"

// sideBySide calls do for every unit, at most limit at a time (0: no limit), a
// unit only after those that before returns have ended; dependents is the
// reverse of it. When do returns false no further unit is begun. It returns when
// all that were begun have ended, and reports whether do was true for every unit.
//
// do may call giveUp, once and before it returns, to count no longer.
func sideBySide(units []*unit, limit int, before, dependents func(*unit) []*unit, do func(u *unit, giveUp func()) bool) bool {
	open := make(map[*unit]int, len(units))
	var ready []*unit
	for _, u := range units {
		if open[u] = len(before(u)); open[u] == 0 {
			ready = append(ready, u)
		}
	}
	type event struct {
		u        *unit
		over, ok bool // over is false for a place given up
	}
	events := make(chan event, 2*len(units)) // giveUp must not block
	gaveUp := map[*unit]bool{}
	begun, taken, goOn := 0, 0, true
	for {
		for goOn && len(ready) > 0 && (limit == 0 || taken < limit) {
			u := ready[0]
			ready = ready[1:]
			begun++
			taken++
			go func() {
				ok := do(u, func() { events <- event{u: u} })
				events <- event{u, true, ok}
			}()
		}
		if begun == 0 {
			return goOn
		}
		e := <-events
		if !e.over {
			gaveUp[e.u] = true
			taken--
			continue
		}
		begun--
		if !gaveUp[e.u] {
			taken--
		}
		goOn = goOn && e.ok
		for _, next := range dependents(e.u) {
			if open[next]--; open[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
}

// startBeside is startUnit for one of several: while it is starting it has a
// place, which [Coordinator] gives up for it.
func (h *Host) startBeside(ctx context.Context, u *unit, giveUp func()) bool {
	h.mu.Lock()
	if h.places == nil {
		h.places = map[*unit]func(){}
	}
	h.places[u] = giveUp
	h.mu.Unlock()
	ok := h.startUnit(ctx, u)
	h.mu.Lock()
	delete(h.places, u)
	h.mu.Unlock()
	if !ok {
		h.cancelStart(errSiblingFailed)
	}
	return ok
}
