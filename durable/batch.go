package durable

import (
	"context"
	"errors"
	"fmt"
)

// EnqueueBatch enqueues items, and one job of another queue that starts when all of them
// have ended, however they end; its handler reads the counts with [EndsOf]. All of it is
// one transaction: every job is there, or none. If there is no item, the job may start at
// once. It returns the ID of that job.
//
//	_, err := durable.EnqueueBatch(ctx, resize, images, publish, album)
//
// If there is a MaxWaiting and no room for all items, the error wraps [channelq.ErrFull].
// On SQLite nobody else can write meanwhile; ten thousand items take some seconds. For
// options, several queues or a transaction of the program's own use [EnqueueTx], and
// [AfterAny] for the last job. On PostgreSQL, while a transaction with [CompleteTx] of one of
// the items is open, the ends of the other items are not written.
func EnqueueBatch[T, U any](ctx context.Context, q *Queue[T], items []T, last *Queue[U], item U) (int64, error) {
	if q == nil || last == nil {
		return 0, errNilQueue
	}
	id, err := enqueueBatch(ctx, q, items, last, item)
	if err != nil {
		return 0, fmt.Errorf("stead/durable: enqueue batch of %q: %w", q.kind, err)
	}
	return id, nil
}

func enqueueBatch[T, U any](ctx context.Context, q *Queue[T], items []T, last *Queue[U], item U) (id int64, err error) {
	if q.jobs != last.jobs {
		return 0, errors.New("the queues are of different Jobs")
	}
	_, params, err := q.describeAll(ctx, items, nil)
	if err != nil {
		return 0, err
	}
	end := func(int) {}
	if len(items) > 0 {
		if _, end, err = q.admit(ctx, q.jobs.engine.executor(), len(items), true); err != nil {
			return 0, err
		}
	}
	defer q.jobs.inserting(q.kind)()
	defer q.jobs.inserting(last.kind)()
	err = q.jobs.engine.inTx(ctx, func(tx any) error {
		var ids []int64
		for len(ids) < len(params) {
			n := piece(params[len(ids):], pieceMost)
			rows, err := q.jobs.engine.insertManyTx(ctx, tx, params[len(ids):len(ids)+n])
			if err != nil {
				return err
			}
			for _, r := range rows {
				ids = append(ids, r.Job.ID)
			}
		}
		var opts []Option
		if len(ids) > 0 {
			opts = append(opts, AfterAny(ids...))
		}
		args, o, err := last.describe(item, opts)
		if err != nil {
			return fmt.Errorf("%q: %w", last.kind, err)
		}
		res, err := q.jobs.insertTx(ctx, tx, args, o)
		if err == nil {
			id = res.Job.ID
		}
		return err
	})
	if err != nil {
		end(0)
		return 0, hint(err)
	}
	end(len(items))
	q.books.accepted.Add(uint64(len(items)))
	last.books.accepted.Add(1)
	return id, nil
}
