package hosted_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/steadgo/stead/hosted"
)

// panicking is a log handler that panics on every record.
type panicking struct{ slog.Handler }

func (panicking) Handle(context.Context, slog.Record) error { panic("the disk is full") }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler      { return p }
func (panicking) Enabled(context.Context, slog.Level) bool  { return true }

func TestALogHandlerThatPanicsChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{Logger: slog.New(panicking{})})
		h.Add("up", traced(&r, "up"))
		h.Go("fails", func(context.Context) error { return errBoom }, hosted.OnFailure(hosted.Ignore()))
		h.Go("restarts", failing(errBoom), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: -1})))
		h.Go("panics", func(ctx context.Context) error { <-ctx.Done(); panic("at the stop") })
		starts(t, h)
		wantServiceError(t, h.Stop(t.Context()), "panics", "run")
		r.want(t, "start up", "stop up")
	})
}

func TestAFailedStartLogsItsErrorOnceAndTheReport(t *testing.T) {
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Task("migrate", func(context.Context) error { return errors.New("no such table") })
	if err := h.Start(t.Context()); err == nil {
		t.Fatal("it started")
	}
	for _, line := range log.all() {
		before, _, _ := strings.Cut(line, "report=")
		if strings.Contains(before, "no such table") != strings.Contains(line, "host not started") {
			t.Errorf("the error is in the wrong line: %s", line)
		}
	}
}
