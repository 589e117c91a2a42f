package hosted

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// moment is how long those may still take who gave up because their time was
// over and are on their way back, all together.
const moment = 10 * time.Millisecond

// finish makes the result and the report of a stop whose turns are over and
// that had time until end.
func (h *Host) finish(end time.Time) {
	h.mu.Lock()
	behind := h.calls
	h.mu.Unlock()
	soon := time.Now().Add(moment)
	for _, c := range behind {
		waitUntil(c.done, soon)
	}
	behind = append(slices.Clone(behind), h.stuckBehind(end)...)
	var stacks map[string]string
	if slices.ContainsFunc(behind, func(c *call) bool { return !c.returned() }) {
		stacks = h.Stacks()
	}
	h.countLeftOver(end)
	h.mu.Lock()
	stragglers := h.stragglersLocked(behind, stacks)
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
	h.logReport()
	h.spool.Flush(end, moment)
	close(h.marks.Stopped)
	close(h.ended)
}

// stragglersLocked are the calls that are not back. Those that came back after
// their time are failures.
func (h *Host) stragglersLocked(behind []*call, stacks map[string]string) (stragglers []Straggler) {
	for _, c := range behind {
		if c.returned() {
			if c.err != nil {
				continue // it has said so itself
			}
			h.failures = append(h.failures, &ServiceError{
				Service: c.unit.name, Op: c.op,
				Err: fmt.Errorf("returned only after its time was over: %w", context.DeadlineExceeded),
			})
			continue
		}
		s := Straggler{Service: c.unit.name, Op: c.op, Waited: time.Since(c.began), Stacks: stacks[c.unit.name]}
		stragglers = append(stragglers, s)
		c.unit.err = &TimeoutError{Stragglers: []Straggler{s}}
		if c.op == "stop" {
			c.unit.stopTook = s.Waited
		}
		c.unit.enterLocked(lifecycle.Failed)
	}
	return stragglers
}

// stuckBehind asks the services that stopped in time whether that was because
// they left calls of their own behind, such as handlers of a queue, and returns
// one call that is never back for each that did.
func (h *Host) stuckBehind(end time.Time) (calls []*call) {
	for _, u := range h.units {
		if u.loop != nil {
			continue
		}
		s, ok := As[stuck](u.service)
		if !ok || u.stateNow() == lifecycle.Stopping || ask(u, s.Stuck, patience(end)) == 0 {
			continue
		}
		h.mu.Lock()
		calls = append(calls, &call{unit: u, op: "stop", began: time.Now().Add(-u.stopTook)})
		h.mu.Unlock()
	}
	return calls
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

// patience is how long an answer may take: a moment, and more if there is time.
func patience(end time.Time) time.Duration {
	if end.IsZero() {
		return time.Second
	}
	return max(moment, min(time.Second, time.Until(end)))
}

// countLeftOver asks every service, and what it watches, where its items ended.
func (h *Host) countLeftOver(end time.Time) {
	seen := map[any]bool{}
	for _, u := range h.units {
		if u.loop != nil && len(u.watched) == 0 {
			continue
		}
		left := 0
		var items map[string]uint64
		own := false // it tells itself
		if l, ok := As[leftover](u.service); ok {
			left = ask(u, l.LeftOver, patience(end))
		}
		if t, ok := As[tally](u.service); ok {
			own, items = true, ask(u, t.Tally, patience(end))
		}
		for _, w := range u.watched {
			q, ok := w.(interface{ Len() int })
			if !ok || !reflect.TypeOf(w).Comparable() || seen[w] {
				continue
			}
			seen[w] = true
			if n := ask(u, q.Len, patience(end)); n > 0 {
				left += n
				h.leftInQueue(u, fmt.Errorf("queue %q: %d items left over", w.Name(), n))
			}
			if t, ok := w.(tally); ok && !own {
				items = sum(items, ask(u, t.Tally, patience(end)))
			}
		}
		h.mu.Lock()
		u.leftOver, u.items = left, items
		h.mu.Unlock()
	}
}

// sum adds what the buckets of more have to those of all.
func sum(all, more map[string]uint64) map[string]uint64 {
	if all == nil {
		return maps.Clone(more)
	}
	for bucket, n := range more {
		all[bucket] += n
	}
	return all
}

// leftInQueue makes the stop of u a failure: items are still in a queue that it
// watches, and whoever read them has stopped.
func (h *Host) leftInQueue(u *unit, err error) {
	h.failAtStop(u, "stop", err)
	h.mu.Lock()
	defer h.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
	u.enterLocked(lifecycle.Failed)
}

// ask calls a method that only tells something. One that does not answer,
// perhaps because it needs a lock that a stuck Stop holds, counts as zero, and
// the service is not asked again.
func ask[T any](u *unit, method func() T, patience time.Duration) (none T) {
	h := u.host
	h.mu.Lock()
	skip := u.mute || u.base.unit == nil
	h.mu.Unlock()
	if skip {
		return none
	}
	answer := make(chan T, 1)
	c := u.call(&u.base, "ask", func(context.Context) error { answer <- method(); return nil }, nil)
	if !waitUntil(c.done, time.Now().Add(patience)) {
		h.mu.Lock()
		u.mute = true
		h.mu.Unlock()
		h.log.Warn("service does not say what it has left", "service", u.name)
		return none
	}
	if c.err != nil {
		h.log.Error("service cannot say what it has left", failure(u, c.err)...)
		return none
	}
	return <-answer
}
