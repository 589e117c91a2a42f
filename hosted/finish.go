package hosted

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// finish makes the result and the report of a stop whose turns are over.
func (h *Host) finish() {
	h.mu.Lock()
	behind := h.calls
	h.mu.Unlock()
	var stacks map[string]string
	if slices.ContainsFunc(behind, func(c *call) bool { return !c.returned() }) {
		stacks = h.stacks()
	}
	h.mu.Lock()
	var stragglers []Straggler
	for _, c := range behind {
		if c.returned() {
			h.failures = append(h.failures, &ServiceError{
				Service: c.unit.name, Op: c.op,
				Err: fmt.Errorf("returned only after its time was over: %w", context.DeadlineExceeded),
			})
			continue
		}
		s := Straggler{Service: c.unit.name, Op: c.op, Waited: time.Since(c.began), Stacks: stacks[c.unit.name]}
		stragglers = append(stragglers, s)
		c.unit.err = &TimeoutError{Stragglers: []Straggler{s}}
		c.unit.stopTook = s.Waited
		c.unit.enterLocked(lifecycle.Failed)
	}
	var own, nested []error
	for _, err := range h.failures {
		inner, found := innerStragglers(err)
		if !found {
			own = append(own, err)
			continue
		}
		// errors.As is to find the whole picture before a part of it.
		nested = append(nested, err)
		stragglers = append(stragglers, inner...)
	}
	var timeout error
	if len(stragglers) > 0 {
		timeout = &TimeoutError{Stragglers: stragglers}
	}
	h.stragglers = stragglers
	h.stopTook = time.Since(h.marks.Request().At)
	h.phase = ended
	h.result = join(join(own...), timeout, join(nested...), join(h.late...))
	h.mu.Unlock()
	h.countLeftOver()
	h.logReport()
	close(h.marks.Stopped)
	close(h.ended)
}

// innerStragglers are those of a nested host that did not stop in time, named
// outer/inner.
func innerStragglers(err error) ([]Straggler, bool) {
	var service *ServiceError
	var timeout *TimeoutError
	if !errors.As(err, &service) || !errors.As(service.Err, &timeout) {
		return nil, false
	}
	inner := make([]Straggler, len(timeout.Stragglers))
	for i, s := range timeout.Stragglers {
		s.Service = service.Service + "/" + s.Service
		inner[i] = s
	}
	return inner, true
}

// countLeftOver asks every service what its stop left over.
func (h *Host) countLeftOver() {
	for _, u := range h.units {
		if l, ok := As[leftover](u.service); ok {
			n := 0
			if err := guard.Call(func() error { n = l.LeftOver(); return nil }); err != nil {
				h.log.Error("service cannot say what it left over", "service", u.name, "error", err)
			}
			h.mu.Lock()
			u.leftOver = n
			h.mu.Unlock()
		}
	}
}
