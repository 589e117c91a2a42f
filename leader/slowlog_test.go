package leader_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/leader"
)

// clogged is a log whose reader has stopped reading: a record is written when it
// goes on.
type clogged struct {
	slog.Handler
	on   string // message that is not taken
	goOn <-chan struct{}
}

func (c clogged) Enabled(context.Context, slog.Level) bool { return true }
func (c clogged) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c clogged) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, c.on) {
		<-c.goOn
	}
	return nil
}

// Where logs go to a pipe, whoever reads it decides how long a line takes. That
// must not decide how long two processes work at once.
func TestALogThatBlocksDoesNotKeepTheWorkGoingWithoutTheLease(t *testing.T) {
	for _, message := range []string{"lease not renewed", "leadership lost", "store of the lease answers again"} {
		t.Run(message, func(t *testing.T) {
			bubble(t, func(t *testing.T, e *env) {
				goOn := make(chan struct{})
				cfg := e.config()
				cfg.Logger = slog.New(clogged{on: message, goOn: goOn})
				elector, err := leader.New(&e.store, cfg)
				if err != nil {
					t.Fatal(err)
				}
				work := &obeys{}
				up(t, leader.Loop(elector, work.run))
				until(t, "it leads", leading(elector))
				e.store.Fail(errStore)
				if message == "store of the lease answers again" {
					time.Sleep(ttl / 2)
					e.store.Fail(nil)
					time.Sleep(ttl / 3)
					e.store.Fail(errStore)
				}
				failed := time.Now()
				time.Sleep(ttl)
				if _, ended, _ := work.get(); ended.IsZero() {
					t.Errorf("the work goes on %v after the store was last reached", time.Since(failed))
				}
				close(goOn)
			})
		})
	}
}
