package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// EnqueueAll enqueues many items, in pieces of one transaction each. It returns how many
// are stored: all of them and nil, or the first n and an error. An error from the store,
// or from ctx while the store was writing, leaves open whether the next piece was stored.
// An item that cannot be stored is an error with its index before anything is stored. If
// there is a MaxWaiting and no room for more, the error wraps [channelq.ErrFull]. For all
// or nothing see EnqueueAllTx.
//
// A piece is made to take 50 ms, because a SQLite file has one writer: in between, other
// statements and other processes have their turn. On PostgreSQL a piece is as short, so
// that no transaction of many seconds holds back what cleans the table up. There the items
// are copied, which is faster, unless there is a Middleware or a hook, to which the jobs
// are shown, or they wait for their time.
//
// The options hold for every item; [Unique] is refused, as it would be one key for all,
// and so are [After] and its kin.
// No items are no error.
func (q *Queue[T]) EnqueueAll(ctx context.Context, items []T, opts ...Option) (int, error) {
	client, params, err := q.describeAll(ctx, items, opts)
	if err != nil {
		return 0, err
	}
	pause := 0 // of the time that a piece took, in quarters
	if q.jobs.engine.database() == "sqlite" {
		pause = 1
	}
	done, size := 0, pieceFirst
	for done < len(params) {
		n := piece(params[done:], size)
		end := func(int) {}
		if params[done].InsertOpts.ScheduledAt.IsZero() {
			if n, end, err = q.admit(ctx, q.jobs.engine.executor(), n, false); err != nil {
				return done, err
			}
		}
		began := time.Now()
		inserted := q.jobs.inserting(q.kind)
		err := q.jobs.insertMany(ctx, client, params[done:done+n])
		inserted()
		if err != nil {
			end(0)
			return done, fmt.Errorf("stead/durable: enqueue %q: items from %d on: %w", q.kind, done, hint(err))
		}
		end(n)
		took := time.Since(began)
		q.books.accepted.Add(uint64(n))
		done += n
		size = nextPiece(n, took)
		if done < len(params) {
			sleep(ctx, min(took*time.Duration(pause)/4, pieceTime))
		}
	}
	return done, nil
}

// EnqueueAllTx enqueues many items in a transaction of the store, see [EnqueueTx]. All
// jobs exist if tx commits, and none if it does not. If there is a MaxWaiting and no room
// for all of them, the error wraps [channelq.ErrFull]. It returns the number of items. On
// SQLite no other transaction can write until tx is done; ten thousand items take some
// seconds.
func EnqueueAllTx[T any](ctx context.Context, tx any, q *Queue[T], items []T, opts ...Option) (int, error) {
	if q == nil {
		return 0, errNilQueue
	}
	_, params, err := q.describeAll(ctx, items, opts)
	if err != nil {
		return 0, err
	}
	if err := q.jobs.engine.checkTx(tx); err != nil {
		return 0, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, err)
	}
	end := func(int) {}
	if len(params) > 0 && params[0].InsertOpts.ScheduledAt.IsZero() {
		if _, end, err = q.admit(ctx, q.jobs.engine.executorTx(tx), len(params), true); err != nil {
			return 0, err
		}
	}
	for done := 0; done < len(params); {
		n := piece(params[done:], pieceMost)
		if err := q.jobs.insertManyTx(ctx, tx, params[done:done+n]); err != nil {
			end(0)
			return 0, fmt.Errorf("stead/durable: enqueue %q: items from %d on: %w", q.kind, done, hint(err))
		}
		done += n
	}
	end(len(params))
	if err := q.jobs.insertedIn(ctx, tx, q.kind); err != nil {
		return 0, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, hint(err))
	}
	q.books.accepted.Add(uint64(len(params)))
	return len(params), nil
}

func (j *core) insertMany(ctx context.Context, client riverClient, params []river.InsertManyParams) (err error) {
	if j.copies(params) {
		_, err = client.InsertManyFast(ctx, params)
	} else {
		_, err = client.InsertMany(ctx, params)
	}
	return err
}

func (j *core) insertManyTx(ctx context.Context, tx any, params []river.InsertManyParams) (err error) {
	if j.copies(params) {
		return j.engine.copyTx(ctx, tx, params)
	}
	_, err = j.engine.insertManyTx(ctx, tx, params)
	return err
}

// copies reports whether many jobs are inserted by COPY, which returns no rows: nobody is
// to see them. The process that inserts jobs with a time of their own notes when that is.
func (j *core) copies(params []river.InsertManyParams) bool {
	return j.engine.database() == "postgres" && len(j.cfg.Middleware) == 0 && len(j.cfg.Hooks) == 0 &&
		params[0].InsertOpts.ScheduledAt.IsZero()
}

func (q *Queue[T]) describeAll(ctx context.Context, items []T, opts []Option) (riverClient, []river.InsertManyParams, error) {
	client, err := q.ready(ctx)
	if err != nil {
		return nil, nil, err
	}
	params := make([]river.InsertManyParams, len(items))
	for i, item := range items {
		args, o, err := q.describe(item, opts)
		if err != nil {
			return nil, nil, fmt.Errorf("stead/durable: enqueue %q: item %d of %d: %w", q.kind, i, len(items), err)
		}
		if args.unique != "" {
			return nil, nil, fmt.Errorf("stead/durable: enqueue %q: Unique is for one item, not for many", q.kind)
		}
		if len(args.after) > 0 {
			return nil, nil, fmt.Errorf("stead/durable: enqueue %q: After is for one item, not for many", q.kind)
		}
		params[i] = river.InsertManyParams{Args: args, InsertOpts: o}
	}
	return client, params, nil
}

const (
	pieceTime  = 50 * time.Millisecond // for one statement of EnqueueAll
	pieceFirst = 500                   // items, as long as nothing was measured
	pieceMost  = 5_000
	pieceBytes = 8 << 20 // an item that is larger is a piece of its own
)

// piece is how many items, at most size, go into one statement.
func piece(params []river.InsertManyParams, size int) (n int) {
	bytes := 0
	for n < min(size, len(params)) {
		args, _ := params[n].Args.(payload)
		if bytes += len(args.raw); n > 0 && bytes > pieceBytes {
			break
		}
		n++
	}
	return n
}

// nextPiece is the size that takes about pieceTime, after n items took as long.
func nextPiece(n int, took time.Duration) int {
	fits := int64(n) * int64(pieceTime) / max(int64(took), 1)
	return int(min(max(fits, 1), pieceMost))
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
