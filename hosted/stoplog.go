package hosted

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// logReport logs the end: a line for each service of which there is something to
// tell that the log does not have yet, and a last one for the host, louder when
// something was left. The table of [Report] is not for a log: as an attribute it
// would be one long line of escapes.
func (h *Host) logReport() {
	if !h.log.Wants(slog.LevelError) {
		return // the report costs more than the stop of what is in it
	}
	debug := h.log.Wants(slog.LevelDebug)
	r := h.Report()
	level := slog.LevelError
	if h.outerStops() {
		level = slog.LevelDebug // the outer host says it, with the path of the name
	}
	for _, s := range r.Stragglers {
		args := []any{"service", s.Service, "op", s.Op, "duration", round(s.Waited)}
		if s.Calls > 0 {
			h.log.Log(context.Background(), level, "service left calls behind", append(args, "calls", s.Calls)...)
		} else {
			h.log.Log(context.Background(), level, "service did not return", args...)
		}
	}
	left := 0
	for _, s := range r.Services {
		left += s.Leftover
		if s.State != lifecycle.New {
			if level, args := s.line(); debug || level > slog.LevelDebug {
				h.log.Log(context.Background(), level, "service stopped", args...)
			}
		}
	}
	args := []any{"duration", round(r.Took)}
	if closed(h.marks.Started) { // else the log has it: the host did not start
		args = append(args, "cause", line{r.Cause})
	}
	if n := len(r.Stragglers); n > 0 {
		args = append(args, "stragglers", n)
	}
	if left > 0 {
		args = append(args, "leftover", left)
	}
	level = slog.LevelInfo
	if !r.Clean() {
		level = slog.LevelWarn
		if r.Err != nil && !errs.Same(r.Err, r.Cause) {
			args = append(args, "error", line{r.Err})
		}
	}
	h.log.Log(context.Background(), level, "host stopped", args...)
}

// outerStops says whether this host is one inside another, which is stopping too and
// has a log.
func (h *Host) outerStops() bool {
	return h.outer != nil && h.outer.log.Source() != nil && h.outer.marks.Request().Cause != nil
}

// line is what the log says of one service at the end, and how loud. One that had
// no items and was not restarted is not worth a line of everybody's attention.
func (s ServiceReport) line() (slog.Level, []any) {
	level := slog.LevelDebug
	args := []any{"service", s.Name, "state", s.State, "duration", round(s.StopTook)}
	if s.Restarts > 0 {
		level = slog.LevelInfo
		args = append(args, "restarts", s.Restarts)
	}
	if len(s.Items) > 0 {
		var items []any
		what, counts := s.counts()
		for _, c := range counts {
			if c.n > 0 {
				level = slog.LevelInfo
			}
			items = append(items, slog.Uint64(c.bucket, c.n))
		}
		args = append(args, slog.Group(what, items...))
	}
	if s.Items["running"] > 0 { // a run that hangs
		level = slog.LevelWarn
	}
	if s.Items[refusedClosed] > 0 {
		level = slog.LevelWarn
		args = append(args, "hint", outlived)
	}
	if s.Leftover > 0 {
		if level = max(level, slog.LevelInfo); s.Err != nil { // or else someone took them
			level = slog.LevelWarn
		}
		if s.Items["leftover"] == 0 { // or else it is said
			args = append(args, "leftover", s.Leftover)
		}
	}
	return level, args
}

// line is an error whose text has no line breaks, which joined errors have, and
// does not say for each part what the line is from anyway.
type line struct{ error }

func (l line) Error() string {
	return strings.ReplaceAll(strings.ReplaceAll(l.error.Error(), prefix, ""), "\n", "; ")
}

func (l line) Unwrap() error { return l.error }

// A stop that takes longer than slowStop is reported on, so that a person who watches a
// deploy sees what it waits for: the next line comes after progressEvery, and each
// after twice the time of the last.
const (
	slowStop      = 2 * time.Second
	progressEvery = time.Second
)

// reportProgress returns a timer that logs while the stop goes on; stop it when
// the turns have ended.
func (h *Host) reportProgress(began time.Time) *time.Timer {
	var timer *time.Timer
	ready := make(chan struct{}) // timer is set
	every := progressEvery
	timer = time.AfterFunc(slowStop, func() {
		<-ready
		waiting := h.waitingFor()
		items, unknown := h.toDrain(waiting, progressEvery/10)
		if h.turnsOver.Load() {
			return // it was stopped too late
		}
		if len(waiting) == 0 && h.isDraining() {
			timer.Reset(progressEvery)
			return // that is what was asked for
		}
		args := []any{"duration", time.Since(began).Round(time.Millisecond)}
		if len(waiting) > 0 { // else a hook runs
			args = append(args, "services", namesOf(waiting))
		}
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
