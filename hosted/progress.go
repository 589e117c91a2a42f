package hosted

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// A stop that takes longer than slowStop is reported on, a line every
// progressEvery, so that a person who watches a deploy sees what it waits for.
const (
	slowStop      = 2 * time.Second
	progressEvery = time.Second
)

// reportProgress returns a timer that logs while the stop goes on; stop it when
// the stop is over.
func (h *Host) reportProgress(began time.Time) *time.Timer {
	var timer *time.Timer
	ready := make(chan struct{}) // timer is set
	timer = time.AfterFunc(slowStop, func() {
		<-ready
		waiting, items := h.waitingFor()
		if len(waiting) == 0 {
			return
		}
		h.log.Warn("still stopping", "duration", time.Since(began).Round(time.Millisecond),
			"services", strings.Join(waiting, " "), "to_drain", items)
		timer.Reset(progressEvery)
	})
	close(ready)
	return timer
}

// waitingFor names the services whose stop is under way and counts the items
// that they have still to drain.
func (h *Host) waitingFor() (names []string, items int) {
	var services []Service
	h.mu.Lock()
	for _, u := range h.units {
		if u.state == lifecycle.Stopping {
			names = append(names, u.name)
			services = append(services, u.service)
		}
	}
	h.mu.Unlock()
	for _, s := range services {
		if b, ok := As[backlog](s); ok {
			_ = guard.Call(func() error { items += b.Backlog(); return nil })
		}
	}
	return names, items
}

// logReport logs the end, as a table, and louder when something was left.
func (h *Host) logReport() {
	if !h.log.Enabled(context.Background(), slog.LevelWarn) {
		return // the table costs more than the stop of what is in it
	}
	r := h.Report()
	if r.Clean() {
		h.log.Info("host stopped", "duration", r.Took, "report", r.String())
		return
	}
	h.log.Warn("host stopped", "duration", r.Took, "error", r.Err, "report", r.String())
}
