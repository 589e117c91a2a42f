package leader_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
)

// telling is a service that says in its log, if it has one, that it was started.
type telling struct{ log *slog.Logger }

func (s *telling) InheritLogger(l *slog.Logger) { s.log = l }
func (s *telling) Stop(context.Context) error   { return nil }
func (s *telling) Start(context.Context) error {
	if s.log != nil {
		s.log.Info("inner service up")
	}
	return nil
}

func TestAnElectorWithoutALoggerInheritsTheHostsAndSoDoesEachInnerService(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		cfg := e.config()
		host := hosted.New(hosted.Config{Logger: cfg.Logger})
		cfg.Logger = nil
		elector, err := leader.New(&e.store, cfg)
		if err != nil {
			t.Fatal(err)
		}
		host.Add("news", leader.Only(elector, func() (hosted.Service, error) { return &telling{}, nil }))
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, "term", leading(elector))
		e.store.Forget()
		until(t, "loss", func() bool { return elector.Stats().Lost > 0 })
		until(t, "second term", leading(elector))
		time.Sleep(ttl)
		if err := host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for _, line := range []string{"leadership gained", "inner service up"} {
			if n := e.log.lines(t, line); n != 2 {
				t.Errorf("%d lines of %q", n, line)
			}
		}
	})
}
