package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/riverqueue/river/riverdriver"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
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

// obstinate is a store that does not take back who leads.
type obstinate struct {
	store.Backend[*sql.Tx]
	asked *atomic.Int32
}

func (o obstinate) Driver() riverdriver.Driver[*sql.Tx] {
	return obstinateDriver{o.Backend.Driver(), o.asked}
}

type obstinateDriver struct {
	riverdriver.Driver[*sql.Tx]
	asked *atomic.Int32
}

func (d obstinateDriver) GetExecutor() riverdriver.Executor {
	return obstinateExecutor{d.Driver.GetExecutor(), d.asked}
}

type obstinateExecutor struct {
	riverdriver.Executor
	asked *atomic.Int32
}

func (e obstinateExecutor) LeaderResign(context.Context, *riverdriver.LeaderResignParams) (bool, error) {
	e.asked.Add(1)
	return false, errors.New("away")
}

// The engine would try for ten seconds and more, which a stop may not have.
func TestAStopDoesNotWaitForAStoreThatIsAwayToHandOverTheLead(t *testing.T) {
	e := openSQLite(t)
	var asked atomic.Int32
	jobs := newJobs(t, fake[*sql.Tx](obstinate{store.Of(e.store), &asked}), durable.EnqueueAndWork)
	newQueue(t, jobs, "idle", nothing[int], durable.QueueConfig[int]{})
	must(t, jobs.Start(t.Context()))
	until(t, "it leads", func() bool {
		return slices.ContainsFunc(jobs.Instances(), func(i lifecycle.Instance) bool { return i.Leads })
	})
	stop(t, jobs)
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
