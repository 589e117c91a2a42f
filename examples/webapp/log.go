package main

import (
	"context"
	"log/slog"
)

// hostLines is a log without what belongs to a queue or a job.
type hostLines struct {
	slog.Handler
	drop bool // the logger has one of these attributes
}

func ofWork(a slog.Attr) bool { return a.Key == "queue" || a.Key == "job" }

// Handle drops a line about a queue or a job.
func (h hostLines) Handle(ctx context.Context, r slog.Record) error {
	drop := h.drop
	r.Attrs(func(a slog.Attr) bool {
		drop = drop || ofWork(a)
		return !drop
	})
	if drop {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs notes whether the lines to come are about a queue or a job.
func (h hostLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.drop = h.drop || ofWork(a)
	}
	return hostLines{h.Handler.WithAttrs(attrs), h.drop}
}

// WithGroup keeps what was noted.
func (h hostLines) WithGroup(name string) slog.Handler {
	return hostLines{h.Handler.WithGroup(name), h.drop}
}
