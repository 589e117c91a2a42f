package durable

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// EnqueueAll is Enqueue of many items in one transaction: all of them are there, or
// none. It returns how many there are and nil, or 0 and an error; one from the store,
// or from ctx while the store was writing, leaves open which. The options hold for
// every item; [Unique] is refused, as it would be one key for all. No items are no
// error.
func (q *Queue[T, TTx]) EnqueueAll(ctx context.Context, items []T, opts ...Option) (int, error) {
	return q.enqueueAll(ctx, items, opts, (*river.Client[TTx]).InsertMany)
}

// EnqueueAllTx is EnqueueAll in a transaction of the store, see EnqueueTx.
func (q *Queue[T, TTx]) EnqueueAllTx(ctx context.Context, tx TTx, items []T, opts ...Option) (int, error) {
	return q.enqueueAll(ctx, items, opts, func(c *river.Client[TTx], ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
		if isNil(tx) {
			return nil, errNilTx
		}
		res, err := c.InsertManyTx(ctx, tx, params)
		if err == nil {
			err = q.jobs.insertedIn(ctx, tx, q.kind)
		}
		return res, err
	})
}

type insertMany[TTx any] func(*river.Client[TTx], context.Context, []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)

func (q *Queue[T, TTx]) enqueueAll(ctx context.Context, items []T, opts []Option, insert insertMany[TTx]) (int, error) {
	client, err := q.ready(ctx)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	params := make([]river.InsertManyParams, len(items))
	for i, item := range items {
		args, o, err := q.describe(item, opts)
		if err != nil {
			return 0, fmt.Errorf("stead/durable: enqueue %q: item %d of %d: %w", q.kind, i, len(items), err)
		}
		if args.unique != "" {
			return 0, fmt.Errorf("stead/durable: enqueue %q: Unique is for one item, not for many", q.kind)
		}
		params[i] = river.InsertManyParams{Args: args, InsertOpts: o}
	}
	defer q.jobs.inserting(q.kind)()
	if _, err := insert(client, ctx, params); err != nil {
		return 0, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, hint(err))
	}
	q.books.accepted.Add(uint64(len(items)))
	return len(items), nil
}
