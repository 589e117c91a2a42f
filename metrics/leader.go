package metrics

import (
	"math"
	"time"
)

// candidate is implemented by the services of package leader, a separate module that this
// one does not import.
type candidate interface {
	Group() string
	Role() (leading bool, since time.Time, fence int64)
	Transitions() uint64
}

// outage is implemented by a candidate that knows when its store does not answer. Without
// it the series is absent, because a 1 might be wrong.
type outage interface {
	Outage() (since time.Time, err error)
}

// leadership is the state of this process in one group.
type leadership struct {
	leading, storeUp float64
	transitions      uint64
}

// addCandidate combines the candidates of one group in one process. The process leads if
// any of them does, and has a store if all of them have.
func (c *components) addCandidate(l candidate) {
	group := valid(l.Group())
	now := leadership{storeUp: absent, transitions: l.Transitions()}
	leading, _, _ := l.Role()
	now.leading = oneIf(leading)
	if o, ok := l.(outage); ok {
		since, _ := o.Outage()
		now.storeUp = oneIf(since.IsZero())
	}
	if other, ok := c.leaders[group]; ok {
		now.leading = max(now.leading, other.leading)
		now.storeUp = least(now.storeUp, other.storeUp)
		now.transitions += other.transitions
	}
	c.leaders[group] = now
}

// least ignores absent values, unlike the built-in min of a NaN.
func least(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return min(a, b)
}

// An unreachable store has a series of its own beside that of the lead. While another
// process leads, nothing else shows that this one cannot take over.
var leaderSamples = []sample[leadership]{
	gauge("leader", "1 if this process leads the group, 0 if it follows.", "group",
		func(l *leadership) float64 { return l.leading }),
	gauge("leader_store_up", "1 if the store of the leases answered last, 0 if it did not: then nobody comes to lead.", "group",
		func(l *leadership) float64 { return l.storeUp }),
	counter("leader_transitions_total", "How often this process became or ceased to be the leader.", "group",
		func(l *leadership) float64 { return float64(l.transitions) }),
}
