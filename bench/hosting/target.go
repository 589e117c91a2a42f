package hosting

import (
	"fmt"

	"github.com/steadgo/stead/bench/internal/lab"
)

// rivals are how much of their time Stead may take at most.
var rivals = []struct {
	name  string
	limit float64
}{{"suture", 0.8}, {"dskit-manager", 0.4}, {"fx", 0.15}}

// floorLimit is how many times the floor's time it may take, with the most
// services.
const floorLimit = 1.3

// Targets compares medians with what Stead promises. What was not measured is a
// target that was not met.
func Targets(all []Series, graphs []GraphResult) []lab.Target {
	var targets []lab.Target
	add := func(limit float64, got lab.Spread, format string, args ...any) {
		targets = append(targets, lab.Target{
			Name: fmt.Sprintf(format, args...), Limit: limit, Got: got.Median,
			Met: got.Median > 0 && got.Median <= limit,
		})
	}
	ns := sizes(all)
	for _, n := range ns {
		stead := find(all, Stead, n)
		add(3000, stead.Of(Sample.NS), "ns per service, N=%d", n)
		add(1024, stead.Of(bytes), "bytes per service, N=%d", n)
		add(10, stead.Of(allocs), "allocations per service, N=%d", n)
		add(1, stead.Of(goroutines), "goroutines per running service, N=%d", n)
		for _, r := range rivals {
			add(r.limit, Ratio(stead, find(all, r.name, n), Sample.NS), "time to %s, N=%d", r.name, n)
		}
		if n == ns[len(ns)-1] {
			add(floorLimit, Ratio(stead, find(all, Floor, n), Sample.NS), "time to the floor, N=%d", n)
			add(floorLimit, Ratio(find(all, "stead-ready", n), find(all, "floor-ready", n), Sample.NS),
				"time to the floor when each waits for the one before, N=%d", n)
		}
	}
	for _, g := range graphs {
		add(graphLimitMS, g.MS, "ms to start: %s", g.Name)
	}
	return targets
}
