package hosted

import (
	"iter"

	"github.com/steadgo/stead/internal/stacks"
)

// Stacks returns the stacks of the goroutines of each service, found by their
// pprof labels; a service without any is not in it. Goroutines that a service
// started itself are there too, as labels are inherited; those of a nested host
// are that host's. It stops the world for a moment, as any goroutine profile
// does: call it when something hangs or leaks, not in a loop.
func (h *Host) Stacks() map[string]string { return byService(stacks.With("host_id", h.id)) }

// Leaked is [Host.Stacks] for goroutines that can never run again, because what
// they wait for is reachable from nobody else. It is empty where the runtime
// cannot tell: Go 1.26 can in programs that are built with
// GOEXPERIMENT=goroutineleakprofile. It takes a garbage collection.
func (h *Host) Leaked() map[string]string { return byService(stacks.Leaked("host_id", h.id)) }

func byService(groups iter.Seq[stacks.Group]) map[string]string {
	all := map[string]string{}
	for g := range groups {
		all[g.Label("service")] += g.String()
	}
	return all
}

// Goroutines counts the goroutines of each service, in the same way as
// [Host.Stacks] and at the same price.
func (h *Host) Goroutines() map[string]int {
	counts := map[string]int{}
	for g := range stacks.With("host_id", h.id) {
		counts[g.Label("service")] += g.Count
	}
	return counts
}
