package durable

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
)

// engineLog is a log handler for what the engine says. What is normal, what is the
// echo of a stop and what this package says itself, with more to it, is Debug; what
// is left has the keys of this module.
type engineLog struct {
	to     slog.Handler
	closed *atomic.Bool // it was said that the store was closed
}

func newEngineLog(l *slog.Logger, closed *atomic.Bool) *slog.Logger {
	return slog.New(engineLog{l.Handler(), closed})
}

// What this package says itself: that a running job was canceled.
const saidHere = "job cancelled remotely"

// An error of the engine is the echo of a stop, or of a process that leads no more,
// when nothing but the engine itself can have ended the context.
const echo = "context canceled"

// What the drivers say once a program closes the store under the engine.
var storeClosed = []string{"database is closed", "closed pool"}

// keys are the engine's names for what has another one here.
var keys = map[string]string{"err": "error", "job_id": "job", "job_kind": "queue", "sleep_duration": "delay"}

func (h engineLog) Enabled(ctx context.Context, level slog.Level) bool {
	if level == slog.LevelInfo {
		level = slog.LevelDebug
	}
	return h.to.Enabled(ctx, level)
}

func (h engineLog) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	var reason string
	r.Attrs(func(a slog.Attr) bool {
		a = renamed(a)
		if a.Key == "error" {
			reason = a.Value.String()
		}
		out.AddAttrs(a)
		return true
	})
	if h.isNormal(&out, reason) {
		out.Level = slog.LevelDebug
	}
	if !h.to.Enabled(ctx, out.Level) {
		return nil
	}
	return h.to.Handle(ctx, out)
}

func (h engineLog) isNormal(r *slog.Record, reason string) bool {
	_, what, _ := strings.Cut(r.Message, ": ") // after the name of the engine's part
	switch {
	case r.Level <= slog.LevelInfo, strings.Contains(reason, echo), what == saidHere:
		return true
	case closedIn(reason):
		return h.closed.Swap(true)
	}
	return false
}

func (h engineLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	own := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		own[i] = renamed(a)
	}
	return engineLog{h.to.WithAttrs(own), h.closed}
}

func (h engineLog) WithGroup(name string) slog.Handler {
	return engineLog{h.to.WithGroup(name), h.closed}
}

func renamed(a slog.Attr) slog.Attr {
	if key, ok := keys[a.Key]; ok {
		a.Key = key
	}
	return a
}

func closedIn(reason string) bool {
	return slices.ContainsFunc(storeClosed, func(s string) bool { return strings.Contains(reason, s) })
}

// isClosed reports whether an error is of a store that the program has closed.
func isClosed(err error) bool { return err != nil && closedIn(err.Error()) }
