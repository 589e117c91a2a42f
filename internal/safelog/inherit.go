package safelog

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Log is the log of a component: the logger of its configuration or, without
// one, that of its host, once the component has inherited it. Until then it
// discards. It may be used, and derived from, at any time from any goroutine.
type Log struct {
	*slog.Logger
	from *atomic.Pointer[slog.Logger]
}

// NewLog returns a Log as New does, for a component that inherits when own is nil.
func NewLog(own *slog.Logger, args ...any) Log {
	l := Log{from: new(atomic.Pointer[slog.Logger])}
	if own != nil {
		l.from.Store(own)
		l.Logger = New(own, args...)
		return l
	}
	l.Logger = slog.New(inheriting{from: l.from}).With(args...)
	return l
}

// Inherit gives l a logger, unless it has one: of its own, or inherited before.
func (l Log) Inherit(from *slog.Logger) {
	if from != nil {
		l.from.CompareAndSwap(nil, from)
	}
}

// Source returns the logger as it was given, for others to inherit; nil means none.
func (l Log) Source() *slog.Logger { return l.from.Load() }

// inheriting is a handler that discards until from is set. What is added to it before
// that, as by a component that keeps a logger with attributes, is added to
// each record: there are few of them.
type inheriting struct {
	from  *atomic.Pointer[slog.Logger]
	added func(slog.Handler) slog.Handler // nil adds nothing
}

func (h inheriting) Enabled(ctx context.Context, level slog.Level) bool {
	from := h.from.Load()
	return from != nil && handler{from.Handler()}.Enabled(ctx, level)
}

func (h inheriting) Handle(ctx context.Context, r slog.Record) error {
	from := h.from.Load()
	if from == nil {
		return nil
	}
	return h.on(handler{from.Handler()}).Handle(ctx, r)
}

func (h inheriting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return inheriting{h.from, func(to slog.Handler) slog.Handler { return h.on(to).WithAttrs(attrs) }}
}

func (h inheriting) WithGroup(name string) slog.Handler {
	return inheriting{h.from, func(to slog.Handler) slog.Handler { return h.on(to).WithGroup(name) }}
}

func (h inheriting) on(to slog.Handler) slog.Handler {
	if h.added == nil {
		return to
	}
	return h.added(to)
}
