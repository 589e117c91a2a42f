package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// onMessage calls a function when a message is logged.
type onMessage struct {
	slog.Handler

	message string
	call    func()
}

func (h onMessage) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.call()
	}
	return nil
}
func (onMessage) Enabled(context.Context, slog.Level) bool { return true }
func (h onMessage) WithAttrs([]slog.Attr) slog.Handler     { return h }

// A stop whose context has ended cannot wait for the start, which then has to
// clean up what it began.
func TestAStopThatMayNotWaitLeavesNothingOfAStartThatIsOn(t *testing.T) {
	e := openSQLite(t)
	ended, end := context.WithCancel(t.Context())
	end()
	before := goleak.IgnoreCurrent()
	defer until(t, "nothing is left", func() bool { return goleak.Find(before) == nil })
	for round := range 20 {
		var jobs *durable.Jobs[*sql.Tx]
		cfg := quick(durable.EnqueueAndWork)
		if round == 0 { // the client runs, and the start has not returned
			cfg.Logger = slog.New(onMessage{message: "jobs started", call: func() {
				if err := jobs.Stop(ended); !errors.Is(err, context.Canceled) {
					t.Errorf("stop: %v", err)
				}
			}})
		}
		var err error
		jobs, err = durable.New(e.store, cfg)
		must(t, err)
		q := newQueue(t, jobs, "idle", nothing[int], durable.QueueConfig[int]{})
		started := make(chan error, 1)
		go func() { started <- jobs.Start(context.Background()) }()
		if round > 0 {
			for range round * 50 { // another moment in each round
				runtime.Gosched()
			}
			_ = jobs.Stop(ended)
		}
		if err := receive(t, started); round == 0 && !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("start: %v", err)
		}
		if err := q.Enqueue(t.Context(), round); !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("round %d: enqueue after the stop: %v", round, err)
		}
	}
}
