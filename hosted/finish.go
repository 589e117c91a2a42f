package hosted

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// lateReturnWait is how long finish waits, in total, for calls that timed out but are
// about to return.
const lateReturnWait = 10 * time.Millisecond

// finish makes the result and the report of a stop whose turns have ended and
// that had time until end.
func (h *Host) finish(end time.Time) {
	soon := time.Now().Add(lateReturnWait)
	// One may be given up meanwhile: a Stop that waited for a restart comes back
	// because the restart's Start has been.
	for i, calls := 0, h.behind(); i < len(calls); i, calls = i+1, h.behind() {
		waitUntil(calls[i].done, soon)
	}
	asked := h.askAll(end)
	var stacks map[string]string
	if slices.ContainsFunc(append(h.behind(), asked...), func(c *call) bool { return !c.returned() }) {
		stacks = h.stacksUntil(end)
	}
	h.mu.Lock()
	stragglers := h.stragglersLocked(append(h.calls, asked...), stacks)
	var own, nested []error
	for _, f := range h.failures {
		if !f.timeout {
			own = append(own, f.error)
			continue
		}
		// errors.As is to find the whole picture before a part of it.
		nested = append(nested, f.error)
		stragglers = append(stragglers, f.inner...)
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
	h.logReport()
	h.spool.Flush(end, lateReturnWait)
	close(h.marks.Stopped)
	close(h.ended)
}

// behind are the calls that nobody waits for any more.
func (h *Host) behind() []*call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clip(h.calls)
}

// stragglersLocked are the calls that are not back. The ones that came back after
// their time are failures.
func (h *Host) stragglersLocked(behind []*call, stacks map[string]string) (stragglers []Straggler) {
	for _, c := range behind {
		if c.returned() {
			if c.err != nil || c.unit.absent {
				continue // it has said so itself, or the start went on without it
			}
			h.failures = append(h.failures, noted{error: &ServiceError{
				Service: c.unit.name, Op: c.op,
				Err: fmt.Errorf("returned only after its time had expired: %w", context.DeadlineExceeded),
			}})
			continue
		}
		s := Straggler{Service: c.unit.name, Op: c.op, Calls: c.left, Waited: time.Since(c.began), Stacks: stacks[c.unit.name]}
		stragglers = append(stragglers, s)
		c.unit.err = &TimeoutError{Stragglers: []Straggler{s}}
		if c.op == "stop" {
			c.unit.stopTook = s.Waited
		}
		c.unit.enterLocked(lifecycle.Failed)
	}
	return stragglers
}
