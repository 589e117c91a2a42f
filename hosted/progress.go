package hosted

import (
	"strings"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// A stop that takes longer than slowStop is reported on, so that a person who watches a
// deploy sees what it waits for: the next line comes after progressEvery, and each
// after twice the time of the last.
const (
	slowStop      = 2 * time.Second
	progressEvery = time.Second
)

// reportProgress returns a timer that logs while the stop goes on; stop it when
// the turns are over.
func (h *Host) reportProgress(began time.Time) *time.Timer {
	var timer *time.Timer
	ready := make(chan struct{}) // timer is set
	every := progressEvery
	timer = time.AfterFunc(slowStop, func() {
		<-ready
		waiting := h.waitingFor()
		items, unknown := h.backlogs(waiting, progressEvery/10)
		if h.turnsOver.Load() {
			return // it was stopped too late
		}
		if len(waiting) == 0 && h.isDraining() {
			timer.Reset(progressEvery)
			return // that is what was asked for
		}
		args := []any{"duration", time.Since(began).Round(time.Millisecond), "services", namesOf(waiting)}
		if len(unknown) < len(waiting) {
			args = append(args, "to_drain", items)
		}
		if len(unknown) > 0 { // how much those have to do
			args = append(args, "unknown", namesOf(unknown))
		}
		h.log.Warn("still stopping", args...)
		next := every
		every *= 2 // before the timer can go off again
		timer.Reset(next)
	})
	close(ready)
	return timer
}

func (h *Host) isDraining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.drainsLocked()
}

// waitingFor is the services whose stop is under way; none during the drain
// delay and the hooks.
func (h *Host) waitingFor() (units []*unit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range h.units {
		if u.state == lifecycle.Stopping {
			units = append(units, u)
		}
	}
	return units
}

func namesOf(units []*unit) string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.name
	}
	return strings.Join(names, " ")
}
