package safelog_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/steadgo/stead/internal/safelog"
)

// faulty panics in the method that is named, and else does what text does.
type faulty struct {
	slog.Handler
	in string
}

func (f faulty) fail(method string) {
	if f.in == method {
		panic("boom")
	}
}

func (f faulty) Enabled(ctx context.Context, l slog.Level) bool {
	f.fail("Enabled")
	return f.Handler.Enabled(ctx, l)
}

func (f faulty) Handle(ctx context.Context, r slog.Record) error {
	f.fail("Handle")
	return f.Handler.Handle(ctx, r)
}

func (f faulty) WithAttrs(attrs []slog.Attr) slog.Handler {
	f.fail("WithAttrs")
	return faulty{f.Handler.WithAttrs(attrs), f.in}
}

func (f faulty) WithGroup(name string) slog.Handler {
	f.fail("WithGroup")
	return faulty{f.Handler.WithGroup(name), f.in}
}

func TestAHandlerThatPanicsLosesNoMoreThanWhatItPanickedOn(t *testing.T) {
	for method, want := range map[string]string{
		"Enabled": "", "Handle": "", "WithAttrs": "msg=hello g.b=2", "WithGroup": "msg=hello host=shop b=2", "": "msg=hello host=shop g.b=2",
	} {
		t.Run(method, func(t *testing.T) {
			var out bytes.Buffer
			l := safelog.New(slog.New(faulty{slog.NewTextHandler(&out, nil), method}), "host", "shop")
			l.WithGroup("g").Info("hello", "b", 2)
			if got := out.String(); !strings.Contains(got, want) || (want == "" && got != "") {
				t.Errorf("logged %q, want %q", got, want)
			}
		})
	}
}

func TestNoLoggerDiscards(t *testing.T) {
	if safelog.New(nil, "host", "shop").Enabled(t.Context(), slog.LevelError) {
		t.Error("it is enabled")
	}
}
