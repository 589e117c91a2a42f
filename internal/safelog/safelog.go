// Package safelog keeps a log handler that panics from ending the program: the
// handler is its user's, and it is called on goroutines that nobody else guards.
package safelog

import (
	"context"
	"fmt"
	"log/slog"
)

// New returns l with these attributes, or a logger that discards if l is nil. A record
// whose handler panics is lost; the next one is attempted. Attributes that
// make the handler panic are left out. A handler that never returns, or that
// calls runtime.Goexit, is not helped.
func New(l *slog.Logger, args ...any) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(handler{l.Handler()}).With(args...)
}

type handler struct{ inner slog.Handler }

func (h handler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() { _ = recover() }()
	return h.inner.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("stead: the log handler panicked: %v", value)
		}
	}()
	return h.inner.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = h
		}
	}()
	return handler{h.inner.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = h
		}
	}()
	return handler{h.inner.WithGroup(name)}
}
