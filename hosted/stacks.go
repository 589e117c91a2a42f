package hosted

import (
	"iter"
	"runtime"
	"time"

	"github.com/steadgo/stead/internal/stacks"
)

// Stacks returns the stacks of the goroutines of each service, found by their pprof
// labels. A service without goroutines is not in the map. Goroutines that a service
// started inherit its labels and are included. Those of a nested host belong to that
// host. Stacks stops the world for a moment, as any goroutine profile does. Call it when
// something hangs or leaks, not in a loop.
func (h *Host) Stacks() map[string]string { return byService(stacks.With("host_id", h.id)) }

// Leaked returns, like [Host.Stacks], the stacks of goroutines that can never run again,
// because what they wait for is reachable from no other goroutine. The map is empty if
// the runtime cannot tell: Go 1.26 can in programs that are built with
// GOEXPERIMENT=goroutineleakprofile. Leaked runs a garbage collection.
func (h *Host) Leaked() map[string]string { return byService(stacks.Leaked("host_id", h.id)) }

func byService(groups iter.Seq[stacks.Group]) map[string]string {
	all := map[string]string{}
	for g := range groups {
		all[g.Label("service")] += g.String()
	}
	return all
}

// Goroutines returns the number of goroutines of each service. It counts them in the same
// way as [Host.Stacks] and costs the same.
func (h *Host) Goroutines() map[string]int {
	counts := map[string]int{}
	for g := range stacks.With("host_id", h.id) {
		counts[g.Label("service")] += g.Count
	}
	return counts
}

// A goroutine profile takes about 20 us a goroutine. One of so few is done in no
// time, and what is waited for then is a busy machine.
const fewGoroutines = 2000

// stacksUntil is Stacks, or nil if there is no time for it: a profile of very many
// goroutines takes seconds, and the stragglers are then named without their stacks.
func (h *Host) stacksUntil(end time.Time) map[string]string {
	most := overrunLimit
	n := runtime.NumGoroutine()
	if n <= fewGoroutines || end.IsZero() {
		most = leastPrint
	}
	taken := make(chan map[string]string, 1)
	go func() { taken <- h.Stacks() }()
	timer := time.NewTimer(max(most, time.Until(end)))
	defer timer.Stop()
	select {
	case stacks := <-taken:
		return stacks
	case <-timer.C:
		h.log.Warn("no time for the stacks of what did not return", "goroutines", n)
		return nil
	}
}
