package winsvc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
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
	sink := &sink{to: to}
	text := slog.NewTextHandler(&sink.line, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{} // an event has both
		}
		return a
	}})
	return eventHandler{text, sink}
}

// sink is shared by a handler and those made of it.
type sink struct {
	mu   sync.Mutex
	line bytes.Buffer // what the text handler wrote last
	to   events
}

type eventHandler struct {
	slog.Handler // writes into sink.line

	sink *sink
}

func (h eventHandler) Handle(ctx context.Context, r slog.Record) error {
	h.sink.mu.Lock()
	defer h.sink.mu.Unlock()
	h.sink.line.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	text := clip(h.sink.line.String())
	switch {
	case r.Level >= slog.LevelError:
		return h.sink.to.Error(eventID, text)
	case r.Level >= slog.LevelWarn:
		return h.sink.to.Warning(eventID, text)
	default:
		return h.sink.to.Info(eventID, text)
	}
}

func (h eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return eventHandler{h.Handler.WithAttrs(attrs), h.sink}
}

func (h eventHandler) WithGroup(name string) slog.Handler {
	return eventHandler{h.Handler.WithGroup(name), h.sink}
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
