package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable/internal/trial"
)

// Then makes the item a job of next when the handler that ctx belongs to has
// returned nil: in the transaction that completes its job. So the next job is
// there if and only if this one is done, and once, whatever crashes in between.
// When the handler fails, nothing of what it asked for happens.
//
//	func charge(ctx context.Context, o Order) error {
//		id, err := bank.Charge(ctx, o.ID, o.Amount)
//		if err != nil {
//			return err
//		}
//		return durable.Then(ctx, receipts, Receipt{o.ID, id})
//	}
//
// It may be called several times and for any queues of the same Jobs, also in mode
// [WorkOnly]. It is an error outside of a handler, after the handler has returned,
// for a queue of other Jobs, and for an item that cannot be stored, as in Enqueue. If the
// store refuses the item nevertheless, the job gives up: the next attempt would end the
// same way. A unit test calls the handler with durabletest.Run.
func Then[T any](ctx context.Context, next *Queue[T], item T, opts ...Option) error {
	if next == nil {
		return errors.New("stead/durable: then: the queue is nil")
	}
	args, o, err := next.describe(item, opts)
	if err == nil {
		if test := trial.From(ctx); test != nil {
			err = noteThen[T](test, args, o)
		} else if c, ok := ctx.Value(currentKey{}).(*current); ok && c.jobs == next.jobs {
			err = c.then(continuation{args: args, opts: o, accepted: &next.books.accepted})
		} else {
			err = trial.ErrNoHandler
		}
	}
	if err != nil {
		return fmt.Errorf("stead/durable: then %q: %w", next.kind, err)
	}
	return nil
}

func (c *current) then(next continuation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.returned:
		return trial.ErrNoHandler
	case c.own:
		return trial.ErrCompleted
	}
	c.next = append(c.next, next)
	return nil
}

// noteThen is Then in an attempt of durabletest.
func noteThen[T any](test *trial.Attempt, args payload, o *river.InsertOpts) error {
	stored, err := decode[T](args.raw, o.Metadata)
	if err != nil {
		return err
	}
	return test.Then(trial.Queued{
		Queue: args.kind, Item: stored, At: o.ScheduledAt, Unique: args.unique, Priority: max(o.Priority, 1),
	})
}

// CompleteTx completes the job of the handler that ctx belongs to in a transaction
// of the handler's own: what tx writes happens if and only if the job is done, and
// so once. The handler commits tx and returns nil. An attempt that returns nil without
// having committed fails. A tx that is open when the handler has returned is rolled back.
//
//	tx, err := store.DB().BeginTx(ctx, nil)
//	...
//	err = durable.CompleteTx(ctx, tx)
//	...
//	return tx.Commit()
//
// After the commit, an error or panic of the handler changes nothing any more but
// the log, and what it asked for with [Then] is refused; use EnqueueTx beside CompleteTx.
func CompleteTx(ctx context.Context, tx any) error {
	err := trial.ErrNoHandler
	if isNil(tx) {
		err = errNilTx
	} else if test := trial.From(ctx); test != nil {
		err = test.Complete()
	} else if c, ok := ctx.Value(currentKey{}).(*current); ok {
		if err = c.jobs.engine.checkTx(tx); err == nil {
			err = c.completeOwn(ctx, tx)
		}
	}
	if err != nil {
		return fmt.Errorf("stead/durable: complete: %w", err)
	}
	return nil
}

func (c *current) completeOwn(ctx context.Context, tx any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.returned:
		return trial.ErrNoHandler
	case len(c.next) > 0:
		return trial.ErrThen
	}
	if err := c.complete(ctx, tx); err != nil {
		return err
	}
	c.own, c.tx = true, tx
	return nil
}

var errNotOurs = errors.New("the job is not this process's any more: it was rescued or changed by hand")

type currentKey struct{}

// current is the attempt that a handler's context belongs to.
type current struct {
	jobs   *core
	job    *river.Job[payload]
	engine context.Context // the engine keeps its client in there
	taken  time.Time

	limited bool // its queue has limits

	mu       sync.Mutex
	returned bool
	own      bool // the handler completes the job itself
	tx       any  // in which it does
	next     []continuation
}

type continuation struct {
	args     payload
	opts     *river.InsertOpts
	accepted *atomic.Uint64 // of the queue
	isNew    bool           // not a duplicate, see Unique
}

// completeWait bounds the transaction that completes a job with continuations: a
// stop that cancels the handlers does not cancel what they have done.
const completeWait = 5 * time.Second

// finish is called when the handler has returned nil.
func (c *current) finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned = true
	if c.own {
		c.release()
		return c.confirm()
	}
	if len(c.next) == 0 {
		return c.makeRoom()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.engine), completeWait)
	defer cancel()
	for _, n := range c.next {
		defer c.jobs.inserting(n.args.kind)()
	}
	err := c.jobs.engine.inTx(ctx, func(tx any) error {
		for i, n := range c.next { // one by one: two of them may have one unique key
			res, err := c.jobs.insertTx(ctx, tx, n.args, n.opts)
			if err != nil {
				return err
			}
			c.next[i].isNew = !res.UniqueSkippedAsDuplicate
		}
		return c.complete(ctx, tx)
	})
	if err != nil {
		err = fmt.Errorf("stead/durable: complete with what comes then: %w", err)
		if isRefusal(err) { // so it would be the next time
			err = channelq.Permanent(err)
		}
		return err
	}
	for _, n := range c.next {
		if n.isNew {
			n.accepted.Add(1)
		}
	}
	return nil
}

// makeRoom completes a job of a queue with limits at once, so that the next may begin. The
// engine completes jobs in batches, four times a second, and does so with all others, and
// with this one if the store did not take it.
func (c *current) makeRoom() error {
	if !c.limited {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.engine), completeWait)
	defer cancel()
	err := c.jobs.engine.inTx(ctx, func(tx any) error { return c.complete(ctx, tx) })
	if errors.Is(err, errNotOurs) {
		return err
	}
	if err == nil {
		c.jobs.freed(c.job.Queue)
	}
	return nil
}

// errForgotten is what a handler failed with that said nothing of it.
var errForgotten = errors.New("the handler completed its job with CompleteTx and returned nil, but did not commit the transaction")

// confirm is called when a handler that has completed its job itself returned nil. If
// it did not commit that, the engine would complete the job without what was to be
// written with it. An error is harmless if it did: what is completed stays so.
func (c *current) confirm() error {
	row, err := c.row()
	switch {
	case err != nil:
		return fmt.Errorf("it is not known whether the transaction of CompleteTx was committed: %w", err)
	case row != nil && row.State == rivertype.JobStateRunning && row.Attempt == c.job.Attempt:
		return errForgotten
	}
	return nil
}

// row returns the job as the store has it, or nil if it is deleted: only a job that has
// ended can be. It waits a little for an unreachable store.
func (c *current) row() (*rivertype.JobRow, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.engine), completeWait)
	defer cancel()
	for {
		row, err := c.jobs.get(ctx, c.job.ID)
		if errors.Is(err, river.ErrNotFound) {
			return nil, nil //nolint:nilnil // it is gone
		}
		if err == nil || !pauseFor(ctx, keepPause) {
			return row, err
		}
	}
}

// pauseFor reports whether d has passed before ctx was done.
func pauseFor(ctx context.Context, d time.Duration) bool {
	sleep(ctx, d)
	return ctx.Err() == nil
}

// fail drops what the handler asked for. It reports whether the job is done nevertheless:
// completed by the handler, in a transaction that it has committed.
func (c *current) fail() (done bool) {
	c.mu.Lock()
	c.returned = true
	own := c.own
	c.mu.Unlock()
	if !own {
		return false
	}
	c.release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.engine), completeWait)
	defer cancel()
	row, err := c.jobs.get(ctx, c.job.ID)
	return err == nil && row.State == rivertype.JobStateCompleted && row.Attempt == c.job.Attempt
}

func (c *current) complete(ctx context.Context, tx any) error {
	// The engine looks for its client in the context.
	ctx, cancel := mergeCancel(context.WithoutCancel(c.engine), ctx)
	defer cancel()
	job, err := c.jobs.engine.completeTx(ctx, tx, c.job)
	// The engine completes whatever attempt runs, and says nothing when none does. A job that
	// another attempt has ended may have been deleted since.
	if errors.Is(err, river.ErrNotFound) || err == nil && (job.State != rivertype.JobStateCompleted || job.Attempt != c.job.Attempt) {
		err = errNotOurs
	}
	return err
}

// mergeCancel is values with the end of ctx.
func mergeCancel(values, ctx context.Context) (context.Context, func()) {
	both, cancel := context.WithCancelCause(values)
	release := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return both, func() { release(); cancel(nil) }
}
