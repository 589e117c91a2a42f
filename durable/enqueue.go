package durable

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// Enqueued is what became of an enqueue.
type Enqueued struct {
	ID        int64 // of the job in the store
	Duplicate bool  // the job was there already, see Unique; ID is that one's
}

// Enqueue stores the item as JSON. It returns nil once the item is stored durably. One
// that no store takes, or only one of them, is an error that says where in the item: more
// than 16 MiB of JSON or 500 levels of it, a NUL character, half of a UTF-16 pair, bytes
// that are no UTF-8, a number of more than 1,000 digits or with an exponent beyond
// 10,000. It returns an error that wraps [channelq.ErrFull] if there is a MaxWaiting and
// as many jobs wait, and [channelq.ErrClosed] after a stop. An error from the store, or
// from ctx while the store was writing, leaves open whether the item got there.
func (q *Queue[T]) Enqueue(ctx context.Context, item T) error {
	_, err := q.EnqueueWith(ctx, item)
	return err
}

// tryWait bounds TryEnqueue, which has no context.
const tryWait = 5 * time.Second

// TryEnqueue enqueues for a caller without a context, such as one that answers 429 when a
// queue is full. It blocks until the store answers, for at most 5 s. It returns an error
// that wraps [channelq.ErrFull] if there are MaxWaiting jobs.
func (q *Queue[T]) TryEnqueue(item T) error {
	ctx, cancel := context.WithTimeout(context.Background(), tryWait)
	defer cancel()
	return q.Enqueue(ctx, item)
}

// EnqueueWith enqueues as Enqueue does, with options.
func (q *Queue[T]) EnqueueWith(ctx context.Context, item T, opts ...Option) (Enqueued, error) {
	return q.enqueue(ctx, item, opts, q.jobs.engine.executor, q.jobs.insert)
}

var errNilQueue = errors.New("stead/durable: enqueue: the queue is nil")

// EnqueueTx enqueues an item in a transaction of the store: the job exists if and only
// if tx commits, together with everything else that tx wrote. The transaction is a
// *sql.Tx on SQLite and a pgx.Tx on PostgreSQL. EnqueueTx returns an error that names
// both types if tx is of another type, or if tx is nil. Its other errors are those of
// [Queue.Enqueue].
func EnqueueTx[T any](ctx context.Context, tx any, q *Queue[T], item T, opts ...Option) (Enqueued, error) {
	if q == nil {
		return Enqueued{}, errNilQueue
	}
	if err := q.jobs.engine.checkTx(tx); err != nil {
		return Enqueued{}, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, err)
	}
	within := func() riverdriver.Executor { return q.jobs.engine.executorTx(tx) }
	return q.enqueue(ctx, item, opts, within, func(ctx context.Context, _ riverClient, args payload, o *river.InsertOpts) (*rivertype.JobInsertResult, error) {
		res, err := q.jobs.insertTx(ctx, tx, args, o)
		if err == nil {
			err = q.jobs.insertedIn(ctx, tx, q.kind)
		}
		return res, err
	})
}

type insert func(context.Context, riverClient, payload, *river.InsertOpts) (*rivertype.JobInsertResult, error)

func (q *Queue[T]) enqueue(ctx context.Context, item T, opts []Option, exec func() riverdriver.Executor, insert insert) (Enqueued, error) {
	client, err := q.ready(ctx)
	if err != nil {
		return Enqueued{}, err
	}
	args, o, err := q.describe(item, opts)
	if err != nil {
		return Enqueued{}, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, err)
	}
	done := func(int) {}
	if o.ScheduledAt.IsZero() {
		if _, done, err = q.admit(ctx, exec(), 1, true); err != nil {
			return Enqueued{}, err
		}
	}
	defer q.jobs.inserting(q.kind)()
	res, err := insert(ctx, client, args, o)
	if err != nil {
		done(0)
		return Enqueued{}, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, hint(err))
	}
	if res.UniqueSkippedAsDuplicate {
		done(0)
	} else {
		done(1)
		q.books.accepted.Add(1)
	}
	return Enqueued{ID: res.Job.ID, Duplicate: res.UniqueSkippedAsDuplicate}, nil
}

// ready is the client to enqueue with, or why that is refused.
func (q *Queue[T]) ready(ctx context.Context) (riverClient, error) {
	client, err := q.jobs.open(q.kind)
	if err != nil {
		q.books.closed.Add(1)
		return nil, err
	}
	if ctx.Err() != nil {
		q.books.cancelled.Add(1)
		return nil, fmt.Errorf("stead/durable: enqueue %q: %w: %w", q.kind, ctx.Err(), context.Cause(ctx))
	}
	if err := q.jobs.soundStore(); err != nil {
		return nil, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, err)
	}
	return client, nil
}

func (q *Queue[T]) describe(item T, opts []Option) (payload, *river.InsertOpts, error) {
	var w jobOptions
	for _, o := range opts {
		if o == nil {
			return payload{}, nil, errors.New("an option is nil")
		}
		if err := o.apply(&w); err != nil {
			return payload{}, nil, err
		}
	}
	raw, err := json.Marshal(item)
	if err == nil {
		err = checkItem(raw)
	}
	if err != nil {
		return payload{}, nil, err
	}
	return q.describeJSON(item, raw, w)
}

// describeJSON describes a job of an item, which is raw as JSON.
func (q *Queue[T]) describeJSON(item T, raw json.RawMessage, w jobOptions) (_ payload, _ *river.InsertOpts, err error) {
	if w.note.Key, err = q.keyOf(item); err != nil {
		return payload{}, nil, err
	}
	if w.in && !w.at.IsZero() {
		w.at = notBefore(q.jobs.clock.of(w.at))
	}
	if len(w.after) > 0 {
		if w.timed {
			return payload{}, nil, errors.New("In and At do not go with After")
		}
		w.at, w.note.Follows = blocked, true
	}
	o := &river.InsertOpts{Queue: q.kind, MaxAttempts: cmp.Or(w.attempts, q.cfg.Retry.Attempts), Priority: w.priority, ScheduledAt: w.at}
	if raw, w.note.Wrapped, err = wrap(raw); err != nil {
		return payload{}, nil, err
	}
	if o.Metadata, err = w.note.metadata(); err != nil {
		return payload{}, nil, err
	}
	if w.unique != "" {
		o.UniqueOpts = river.UniqueOpts{ByQueue: true, ByState: unfinished}
	}
	return payload{kind: q.kind, raw: raw, unique: w.unique, after: w.after, note: w.note}, o, nil
}

// unfinished are the states in which a job holds its unique key.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// payload is the arguments of every kind of job: the item's JSON, see wrap, so that a
// row looks like the row of any other program on the engine.
type payload struct {
	kind     string
	raw      json.RawMessage
	unique   string           // the key of Unique
	after    map[int64]string // what has to become of other jobs first
	note     note
	periodic string // the name given to Every
	slot     time.Time
}

func (p payload) Kind() string { return p.kind }

func (p payload) MarshalJSON() ([]byte, error) { return p.raw, nil }

// UnmarshalJSON does nothing: the item is read from the row, where decode knows in
// which form it is.
func (*payload) UnmarshalJSON([]byte) error { return nil }

// uniqueKeys replaces the engine's unique key, which can be made of the whole
// payload only, by one made of the key that the caller chose or of the slot of a
// schedule.
type uniqueKeys struct {
	river.JobInsertMiddlewareDefaults

	clock *clock
	due   func([]*rivertype.JobRow) // is told what has a time of its own
}

func (u *uniqueKeys) InsertMany(ctx context.Context, many []*rivertype.JobInsertParams, next func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	now := u.clock.now()
	for _, p := range many {
		// A job whose time has come, or comes before the process that leads looks for waiting
		// jobs, is found by a fetch, which looks at its time too.
		if p.State == rivertype.JobStateScheduled && p.ScheduledAt != nil && p.ScheduledAt.Sub(now) <= soon {
			p.State = rivertype.JobStateAvailable
		}
		if p.ScheduledAt == nil && u.clock.differs() { // the engine takes that of the process
			p.ScheduledAt = &now
		}
		args, ok := p.Args.(payload)
		if !ok {
			continue
		}
		if args.periodic != "" { // due by the store's clock; the engine would ask the process
			p.State = rivertype.JobStateAvailable
		}
		if args.note.Key != "" && !args.note.Follows { // until its key has room, see limits
			p.State = rivertype.JobStatePending
		}
		switch {
		case p.UniqueKey == nil:
			continue
		case args.periodic != "":
			p.UniqueKey = slotKey(args.kind, args.periodic, args.slot)
			continue
		}
		sum := sha256.Sum256([]byte("unique\x00" + args.kind + "\x00" + args.unique))
		p.UniqueKey = sum[:]
	}
	results, err := next(ctx)
	var timed []*rivertype.JobRow
	for i, r := range results {
		if at := many[i].ScheduledAt; at != nil && at.After(now) {
			timed = append(timed, r.Job)
		}
	}
	u.due(timed)
	return results, err
}
