package metrics

import "time"

// candidate is what package leader's services have: they run on one process of
// many. It is a module of its own, which this one does not import.
type candidate interface {
	Group() string
	Role() (leading bool, since time.Time, fence int64)
	Transitions() uint64
}

var leaderSamples = []sample[candidate]{
	gauge("leader", "1 if this process leads the group, 0 if it follows.", "group", func(c *candidate) float64 {
		leading, _, _ := (*c).Role()
		return oneIf(leading)
	}),
	counter("leader_transitions_total", "How often this process became or ceased to be the leader.", "group", func(c *candidate) float64 {
		return float64((*c).Transitions())
	}),
}
