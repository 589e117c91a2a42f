package durable

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Option is a wish about one job. See [At], [In], [Unique] and [Priority].
type Option interface{ apply(*wishes) error }

type wishes struct {
	at       time.Time
	timed    bool // At or In was given
	unique   string
	priority int
}

type option func(*wishes) error

func (o option) apply(w *wishes) error { return o(w) }

// At keeps a job from starting before t. The store's clock decides. A second At or
// [In] for one job is an error.
func At(t time.Time) Option {
	return option(func(w *wishes) error { return w.start(t) })
}

// In keeps a job from starting before d has passed; 0 or less is at once. It is At
// with another word for the time.
func In(d time.Duration) Option {
	return option(func(w *wishes) error { return w.start(time.Now().Add(d)) })
}

func (w *wishes) start(t time.Time) error {
	if w.timed {
		return errors.New("In or At: there is one for this job already")
	}
	if err := checkTime(t); err != nil {
		return fmt.Errorf("In or At: %w", err)
	}
	if !t.After(time.Now()) {
		t = time.Time{} // now, by the store's clock
	}
	w.at, w.timed = notBefore(t), true
	return nil
}

// notBefore returns the first millisecond from t on. SQLite keeps times to the
// millisecond, and the engine rounds them: down, too.
func notBefore(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

// Unique makes the enqueue do nothing while there is a job of this queue with the
// same key that is not yet completed, cancelled or discarded. The key is any
// string but the empty one, which is an error; only a sum of it is stored.
func Unique(key string) Option {
	return option(func(w *wishes) error {
		if w.unique = key; key == "" {
			return errors.New("Unique: the key is empty")
		}
		return nil
	})
}

// Priority is from 1, the most urgent and the default, to 4. A job of a more
// urgent priority overtakes all others that were not taken yet.
func Priority(p int) Option {
	return option(func(w *wishes) error {
		if w.priority = p; p < 1 || p > 4 {
			return fmt.Errorf("Priority is not from 1 to 4: %d", p)
		}
		return nil
	})
}

// Enqueued is what became of an enqueue.
type Enqueued struct {
	ID        int64 // of the job in the store
	Duplicate bool  // the job was there already, see Unique; ID is that one's
}

// Enqueue returns nil when the store has the item for good. The item is stored as
// JSON. One that no store takes, or only one of them, is an error that says where in the
// item: more than 16 MiB of JSON or 500 levels of it, a NUL character, half of a UTF-16
// pair, bytes that are no UTF-8, a number of more than 1,000 digits or with an exponent
// beyond 10,000. After a stop it fails with channelq.ErrClosed. An error from the store,
// or from ctx while the store was writing, leaves open whether the item got there.
func (q *Queue[T, TTx]) Enqueue(ctx context.Context, item T) error {
	_, err := q.EnqueueWith(ctx, item)
	return err
}

// EnqueueIn is Enqueue with [In].
func (q *Queue[T, TTx]) EnqueueIn(ctx context.Context, item T, d time.Duration) error {
	_, err := q.EnqueueWith(ctx, item, In(d))
	return err
}

// EnqueueAt is Enqueue with [At].
func (q *Queue[T, TTx]) EnqueueAt(ctx context.Context, item T, t time.Time) error {
	_, err := q.EnqueueWith(ctx, item, At(t))
	return err
}

// EnqueueWith is Enqueue with options.
func (q *Queue[T, TTx]) EnqueueWith(ctx context.Context, item T, opts ...Option) (Enqueued, error) {
	return q.enqueue(ctx, item, opts, (*river.Client[TTx]).Insert)
}

// EnqueueTx is EnqueueWith in a transaction of the store: the job is there if and
// only if tx commits, together with all else that tx wrote.
func (q *Queue[T, TTx]) EnqueueTx(ctx context.Context, tx TTx, item T, opts ...Option) (Enqueued, error) {
	return q.enqueue(ctx, item, opts, func(c *river.Client[TTx], ctx context.Context, args river.JobArgs, o *river.InsertOpts) (*rivertype.JobInsertResult, error) {
		if isNil(tx) {
			return nil, errNilTx
		}
		res, err := c.InsertTx(ctx, tx, args, o)
		if err == nil {
			err = q.jobs.insertedIn(ctx, tx, q.kind)
		}
		return res, err
	})
}

type insert[TTx any] func(*river.Client[TTx], context.Context, river.JobArgs, *river.InsertOpts) (*rivertype.JobInsertResult, error)

func (q *Queue[T, TTx]) enqueue(ctx context.Context, item T, opts []Option, insert insert[TTx]) (Enqueued, error) {
	client, err := q.ready(ctx)
	if err != nil {
		return Enqueued{}, err
	}
	args, o, err := q.describe(item, opts)
	if err != nil {
		return Enqueued{}, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, err)
	}
	defer q.jobs.inserting(q.kind)()
	res, err := insert(client, ctx, args, o)
	if err != nil {
		return Enqueued{}, fmt.Errorf("stead/durable: enqueue %q: %w", q.kind, hint(err))
	}
	if !res.UniqueSkippedAsDuplicate {
		q.books.accepted.Add(1)
	}
	return Enqueued{ID: res.Job.ID, Duplicate: res.UniqueSkippedAsDuplicate}, nil
}

var errNilTx = errors.New("the transaction is nil")

// isNil reports whether tx is nil, as an interface or as the pointer in one.
func isNil[TTx any](tx TTx) bool {
	v := reflect.ValueOf(tx)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// ready is the client to enqueue with, or why that is refused.
func (q *Queue[T, TTx]) ready(ctx context.Context) (*river.Client[TTx], error) {
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

func (q *Queue[T, TTx]) describe(item T, opts []Option) (payload, *river.InsertOpts, error) {
	var w wishes
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
	o := &river.InsertOpts{Queue: q.kind, MaxAttempts: q.cfg.Retry.Attempts, Priority: w.priority, ScheduledAt: w.at}
	if raw, o.Metadata, err = wrap(raw); err != nil {
		return payload{}, nil, err
	}
	if w.unique != "" {
		o.UniqueOpts = river.UniqueOpts{ByQueue: true, ByState: unfinished}
	}
	return payload{kind: q.kind, raw: raw, unique: w.unique}, o, nil
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
	unique   string // the key of Unique
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
}

func (*uniqueKeys) InsertMany(ctx context.Context, many []*rivertype.JobInsertParams, next func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	for _, p := range many {
		// A job whose time has come, or comes before the process that leads looks for
		// those that wait, is found by whoever fetches: that looks at its time too.
		if p.State == rivertype.JobStateScheduled && p.ScheduledAt != nil && time.Until(*p.ScheduledAt) <= soon {
			p.State = rivertype.JobStateAvailable
		}
		args, ok := p.Args.(payload)
		if !ok || p.UniqueKey == nil {
			continue
		}
		if args.periodic != "" {
			p.UniqueKey = slotKey(args.kind, args.periodic, args.slot)
			// It is due by the store's clock; the engine would ask that of the process.
			p.State = rivertype.JobStateAvailable
			continue
		}
		sum := sha256.Sum256([]byte("unique\x00" + args.kind + "\x00" + args.unique))
		p.UniqueKey = sum[:]
	}
	return next(ctx)
}
