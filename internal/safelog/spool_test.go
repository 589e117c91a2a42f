package safelog_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/internal/safelog"
)

// gate is a handler that keeps its lines and, while it is shut, blocks in one of its
// methods.
type gate struct {
	in   string
	open chan struct{}

	mu    sync.Mutex
	lines []string
}

func (g *gate) pass(method string) {
	if g.in == method {
		<-g.open
	}
}

func (g *gate) Enabled(_ context.Context, l slog.Level) bool {
	g.pass("Enabled")
	return l >= slog.LevelInfo
}

func (g *gate) Handle(_ context.Context, r slog.Record) error {
	g.pass("Handle")
	if strings.HasPrefix(r.Message, "goexit") {
		runtime.Goexit()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, r.Message)
	return nil
}

func (g *gate) WithAttrs([]slog.Attr) slog.Handler { return g }
func (g *gate) WithGroup(string) slog.Handler      { return g }

func (g *gate) all() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.lines)
}

func TestASpoolHasWrittenALineWhenTheCallReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		var s safelog.Spool
		l := s.Spooled(slog.New(g))
		var want []string
		for i := range 100 {
			l.Debug("nobody wants it")
			l.Info(fmt.Sprint(i)) //nolint:sloglint // the lines are told apart
			want = append(want, fmt.Sprint(i))
			if got := g.all(); !slices.Equal(got, want) {
				t.Fatalf("got %q", got)
			}
		}
		if !l.Wants(slog.LevelInfo) || l.Wants(slog.LevelDebug) || !s.Flush(time.Now(), 0) {
			t.Error("it does not know what is wanted, or that all is written")
		}
	})
}

func TestASpoolWithoutALoggerDiscardsUntilItInherits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		var s safelog.Spool
		l := s.Spooled(nil, slog.String("host", "shop"))
		l.Info("lost")
		if l.Wants(slog.LevelError) || l.Source() != nil {
			t.Error("it wants lines")
		}
		l.Inherit(slog.New(g))
		l.WithGroup("g").Info("kept")
		if got := g.all(); !slices.Equal(got, []string{"kept"}) || !l.Wants(slog.LevelError) {
			t.Errorf("got %q", got)
		}
		discards := s.Spooled(slog.New(slog.DiscardHandler))
		if discards.Wants(slog.LevelError) {
			t.Error("what is discarded is wanted")
		}
	})
}

// The first line is waited for a moment and the others not at all; when the handler
// is back, all are written, in order, and lines are waited for again.
func TestAHandlerThatBlocksHoldsNobodyUpAndKeepsTheOrder(t *testing.T) {
	for _, method := range []string{"Handle", "Enabled"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{in: method, open: make(chan struct{})}
				var s safelog.Spool
				l := s.Spooled(slog.New(g))
				began := time.Now()
				var want []string
				for i := range 1000 {
					l.Info(fmt.Sprint(i)) //nolint:sloglint // the lines are told apart
					want = append(want, fmt.Sprint(i))
				}
				if !l.Wants(slog.LevelDebug) {
					t.Error("who does not say counts as wanting")
				}
				if took := time.Since(began); took > 200*time.Millisecond {
					t.Errorf("the calls took %v", took)
				}
				if s.Flush(began.Add(time.Hour), 0) || time.Since(began) > 2*time.Second {
					t.Errorf("flush: after %v", time.Since(began))
				}
				close(g.open)
				if !s.Flush(time.Time{}, 0) {
					t.Error("not written")
				}
				l.Info("again")
				if got := g.all(); !slices.Equal(got, append(want, "again")) {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// A handler that takes 50 ms a line is not given up by a flush that has the time.
func TestAFlushWaitsForASlowHandlerAsLongAsItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{in: "Handle", open: make(chan struct{})}
		var s safelog.Spool
		l := s.Spooled(slog.New(g))
		for range 20 {
			l.Info("line")
		}
		go func() {
			for range 20 {
				time.Sleep(500 * time.Millisecond)
				g.open <- struct{}{}
			}
		}()
		if !s.Flush(time.Now().Add(time.Minute), 0) || len(g.all()) != 20 {
			t.Errorf("%d lines", len(g.all()))
		}
	})
}

func TestWhatASpoolLosesIsCountedAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{in: "Handle", open: make(chan struct{})}
		var s safelog.Spool
		l := s.Spooled(slog.New(g))
		for range 5000 {
			l.Info("line")
		}
		close(g.open)
		s.Flush(time.Time{}, 0)
		synctest.Wait()
		got := g.all()
		if n := len(got); n != 4096+1+1 || got[n-1] != "log lines lost" {
			t.Errorf("%d lines, the last is %q", n, got[n-1])
		}
	})
}

func TestAHandlerThatEndsItsGoroutineLosesItsLineOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		var s safelog.Spool
		l := s.Spooled(slog.New(g))
		l.Info("goexit")
		l.Info("next")
		if got := g.all(); !slices.Equal(got, []string{"next"}) {
			t.Errorf("got %q", got)
		}
	})
}
