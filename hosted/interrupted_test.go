package hosted_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// TestAStartThatIsCutShortIsCleanUnlessSomethingFailed is about starts during which
// somebody wants the host to stop.
func TestAStartThatIsCutShortIsCleanUnlessSomethingFailed(t *testing.T) {
	term := &lifecycle.SignalError{Signal: syscall.SIGTERM}
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		up, slow fake
		cfg      hosted.Config
		clean    bool
	}{
		"Start returns the context's error": {fake{}, fake{start: waits}, hosted.Config{}, true},
		"Start returns the cause": {fake{}, fake{start: func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("connect: %w", context.Cause(ctx))
		}}, hosted.Config{}, true},
		"Start succeeds after all": {fake{}, fake{start: after(1100*time.Millisecond, nil)}, hosted.Config{}, true},
		"several at once":          {fake{}, fake{start: waits}, hosted.Config{StartConcurrency: 4}, true},
		"Start fails meanwhile":    {fake{}, fake{start: after(1100*time.Millisecond, errBoom)}, hosted.Config{}, false},
		"Start hangs":              {fake{}, fake{start: after(time.Hour, nil)}, hosted.Config{}, false},
		"the rollback fails":       {fake{stop: failing(errOther)}, fake{start: waits}, hosted.Config{}, false},
		"the rollback hangs":       {fake{stop: after(time.Hour, nil)}, fake{start: waits}, hosted.Config{}, false},
		"the rollback panics":      {fake{stop: func(context.Context) error { panic(1) }}, fake{start: waits}, hosted.Config{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, logger := newLog()
				c.cfg.Logger = logger
				h := hosted.New(c.cfg)
				h.Add("up", &c.up)
				h.Add("slow", &c.slow)
				time.AfterFunc(time.Second, func() { h.Lifetime().Stop(term) })
				err := h.Run(t.Context())
				if wantIs(t, err, term); h.Report().Clean() != c.clean {
					t.Errorf("clean is %v with %v", !c.clean, err)
				}
				if loud := append(log.matching("ERROR"), log.matching("WARN")...); c.clean && len(loud) > 0 || !c.clean && len(loud) == 0 {
					t.Errorf("logged %q", log.all())
				}
				pass(2 * time.Hour) // those that hang
			})
		})
	}
}

func TestAFailureThatEndsTheStartIsNoWishToStop(t *testing.T) {
	for name, cfg := range map[string]hosted.Config{"one after the other": {}, "beside": {StartConcurrency: 4}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(cfg)
				h.Go("loop", after(time.Second, errBoom))
				h.Add("slow", &fake{start: func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }})
				err := h.Run(t.Context())
				if wantIs(t, err, errBoom); h.Report().Clean() {
					t.Error("clean")
				}
			})
		})
	}
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartTimeout: time.Second})
		h.Add("slow", &fake{start: idle})
		if h.Run(t.Context()) == nil || h.Report().Clean() {
			t.Error("a start that took too long is clean")
		}
		if text := h.Report().String(); !strings.Contains(text, "did not start") {
			t.Error(text)
		}
	})
}
