// Package durabletest runs a handler of a durable queue once, without an engine
// and without a database.
//
// # Usage
//
//	jobs := durabletest.Jobs[*sql.Tx]() // pgx.Tx with PostgreSQL
//	receipts, err := durable.NewQueue[Receipt](jobs, "receipt", nil, durable.QueueConfig[Receipt]{})
//	charge := newCharger(bank, receipts).handle
//
//	outcome, err := durabletest.Run(t.Context(), charge, Order{ID: 7})
//	// outcome.Queued is what charge asked for with durable.Then
//
// A handler that uses none of durable.Then, durable.CompleteTx and durable.Attempt
// needs none of this: call it.
//
// # Guarantees
//
//  1. What durable.Then and durable.CompleteTx refuse in a program they refuse here,
//     for the same reason, but for a queue of other jobs and a transaction of another
//     store.
//  2. Items go through JSON on the way to the handler and on the way out of it, so
//     that a field that would not be stored is missing here too.
//  3. Nothing waits, and no goroutine is left: it works in a bubble of testing/synctest.
//
// # Not for
//
// Retries, timeouts, transactions, two handlers one after the other: open a store in
// t.TempDir() with durable/sqlite and start the jobs. Code that only enqueues holds
// a channelq.Enqueuer and gets a queue in memory.
package durabletest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/internal/trial"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// Outcome is what a handler did beside its own work.
type Outcome struct {
	// Queued is what it asked for with durable.Then, in that order. It is empty
	// when the handler failed, because then nothing of it would happen.
	Queued []Queued

	// Completed is set when it called durable.CompleteTx. Whether it has committed
	// only its transaction knows.
	Completed bool
}

// Queued is one job that would follow.
type Queued struct {
	Queue    string    // the kind of the queue
	Item     any       // of the queue's element type, as its handler would get it
	At       time.Time // of durable.At or durable.In; zero if at once
	Unique   string    // the key of durable.Unique
	Priority int       // of durable.Priority, 1 if none was given
}

// Run calls the handler once with a context like that of a running job, which has
// the values and the end of ctx, and returns what it did and its error. A panic is
// a *lifecycle.PanicError, as on a worker. The handler is called on the goroutine of
// the caller, so that a t.FailNow in it ends the test. An item that JSON cannot carry
// is an error before the handler is called.
func Run[T any](ctx context.Context, handle func(ctx context.Context, item T) error, item T) (Outcome, error) {
	if handle == nil {
		return Outcome{}, errors.New("stead/durable/durabletest: run: the handler is nil")
	}
	var stored T
	raw, err := json.Marshal(item)
	if err == nil {
		err = json.Unmarshal(raw, &stored)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("stead/durable/durabletest: run: the item does not survive JSON: %w", err)
	}
	attempt := new(trial.Attempt)
	ctx = trial.WithIdentity(trial.With(ctx, attempt), trial.Identity{ID: 1, Number: 1})
	err = guard.Call(func() error { return handle(ctx, stored) })
	queued, completed := attempt.End()
	out := Outcome{Completed: completed}
	if err == nil {
		for _, q := range queued {
			out.Queued = append(out.Queued, Queued(q))
		}
	}
	return out, err
}

// Jobs makes jobs to add queues to that the handlers under test have to know. They
// have no store: whatever needs one, such as Start and Enqueue, is an error. TTx is
// the transaction type of the program's store.
func Jobs[TTx any]() *durable.Jobs[TTx] {
	jobs, err := durable.New[TTx](store.NewHandle[TTx](none[TTx]{}), durable.Config{})
	if err != nil {
		panic("stead/durable/durabletest: " + err.Error()) // the zero Config works
	}
	return jobs
}

var errNone = errors.New("stead/durable/durabletest: there is no store")

// none is a store that does not exist. Whatever it is not asked for without a driver it
// does not have.
type none[TTx any] struct{ store.Backend[TTx] }

func (none[TTx]) Driver() riverdriver.Driver[TTx] { return noDriver[TTx]{} }

func (none[TTx]) Schema() (string, error)                                 { return "", nil }
func (none[TTx]) Counts(context.Context) ([]store.Count, error)           { return nil, errNone }
func (none[TTx]) Missing(context.Context) ([]store.Missing, error)        { return nil, errNone }
func (none[TTx]) Rules(context.Context) ([]store.Rule, error)             { return nil, errNone }
func (none[TTx]) PutRule(context.Context, store.Rule) error               { return errNone }
func (none[TTx]) PauseRule(context.Context, string, bool) (string, error) { return "", errNone }
func (none[TTx]) DeleteRule(context.Context, string) (string, error)      { return "", errNone }
func (none[TTx]) Due(context.Context, []string) ([]store.Due, time.Time, error) {
	return nil, time.Time{}, errNone
}
func (none[TTx]) Works(context.Context, string, []string) error           { return errNone }
func (none[TTx]) Work(context.Context, int) ([]store.Work, error)         { return nil, errNone }
func (none[TTx]) Instances(context.Context) ([]lifecycle.Instance, error) { return nil, errNone }

// noDriver says that it has no pool, and is asked for nothing else then.
type noDriver[TTx any] struct{ riverdriver.Driver[TTx] }

func (noDriver[TTx]) PoolIsSet() bool        { return false }
func (noDriver[TTx]) SupportsListener() bool { return false }
