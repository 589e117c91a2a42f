package winsvc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// events is what Windows offers of its event log.
type events interface {
	Info(id uint32, text string) error
	Warning(id uint32, text string) error
	Error(id uint32, text string) error
}

const (
	eventID = 1 // one of those for which EventCreate.exe has a text
	// longest is how many bytes of an event are kept: Windows refuses one of 31,839
	// characters or more.
	longest = 30000
)

// newEventHandler returns a log handler that writes to an event log.
func newEventHandler(to events) slog.Handler {
	return eventHandler{to, func(h slog.Handler) slog.Handler { return h }}
}

// eventHandler formats each record with a text handler of its own. A shared one would
// need a lock, under which the LogValue methods of attributes would be called.
type eventHandler struct {
	to    events
	added func(slog.Handler) slog.Handler // adds the attributes and groups
}

func (h eventHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h eventHandler) Handle(ctx context.Context, r slog.Record) error {
	var line bytes.Buffer
	text := slog.NewTextHandler(&line, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{} // an event has both
		}
		return a
	}})
	if err := h.added(text).Handle(ctx, r); err != nil {
		return err
	}
	event := clip(line.String())
	switch {
	case r.Level >= slog.LevelError:
		return h.to.Error(eventID, event)
	case r.Level >= slog.LevelWarn:
		return h.to.Warning(eventID, event)
	default:
		return h.to.Info(eventID, event)
	}
}

func (h eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return eventHandler{h.to, func(to slog.Handler) slog.Handler { return h.added(to).WithAttrs(attrs) }}
}

func (h eventHandler) WithGroup(name string) slog.Handler {
	return eventHandler{h.to, func(to slog.Handler) slog.Handler { return h.added(to).WithGroup(name) }}
}

// clip makes text short enough for an event. The system call panics on a NUL.
func clip(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\x00", "\uFFFD")
	if len(text) <= longest {
		return text
	}
	cut := longest
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
