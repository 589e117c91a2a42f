package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/backoff"
)

// defaultTimeout bounds an attempt of a queue that says nothing.
const defaultTimeout = time.Minute

// maxTimeout keeps the sums of durations that a rescue is made of from overflowing.
const maxTimeout = 365 * 24 * time.Hour

// maxConcurrency is the engine's.
const maxConcurrency = river.QueueNumWorkersMax

// defaultAttempts is how often a job of a queue that says nothing is tried.
const defaultAttempts = 10

// QueueConfig describes a queue. The zero value works.
type QueueConfig[T any] struct {
	// Concurrency is how many jobs this process handles at a time, at most 10,000.
	// 0 means GOMAXPROCS.
	Concurrency int

	// Timeout bounds one attempt: the handler's context is canceled, with
	// channelq.ErrTimeout as its cause. If zero, one minute is used. There is always a
	// timeout: a job whose process died is found by its age. At most a year.
	Timeout time.Duration

	// Retry has the meaning of channelq with two differences. Attempts 0 means
	// 10; a crash of the process uses one, so that 1 means at most once. And the
	// delay is between half the bound and the bound, so that the gaps rise, or with
	// NoJitter exactly the bound.
	Retry channelq.Retry

	// RateLimit is how many attempts may start per second in this process: two
	// processes that work the queue start twice as many. 0 means no limit. Burst is
	// how many may start at once; 0 means 1. A job that waits for its turn has begun
	// no attempt: Timeout does not run, and a stop releases it as it was. It holds one of
	// the Concurrency meanwhile, and is shown as running by the store.
	RateLimit rate.Limit
	Burst     int

	// MaxWaiting bounds the jobs of the queue that wait for a worker or for their Key,
	// in the store and so over all processes. If there are as many, an enqueue returns an
	// error that wraps [channelq.ErrFull]. Jobs that are to start later do not count, and
	// are not refused; nor are those of [Then], [Every] and a Requeue. The process that enqueues
	// counts what it enqueued itself at once, and what other processes did and handled within
	// 250 ms, or 10 ms when the queue is full. So one process never exceeds the bound, and
	// several by at most what the others enqueue in 250 ms. What is enqueued beside a count may be
	// counted twice, and others be refused, for those 10 ms. A job of a transaction counts from
	// its commit on. If zero, there is no bound.
	MaxWaiting int

	// Key returns the key of an item, and with it how many jobs may run at once that have
	// the same: see KeyLimit. An item with an empty key has none. The key is at most 256
	// bytes of UTF-8. Key has to be set in each process that enqueues or works.
	Key func(item T) string

	// KeyLimit is how many jobs of one key may run at once, over all processes. The others
	// wait in the store, in the state pending, without holding a worker; the oldest of a key
	// that has room is taken first. A job that failed and waits for its retry holds its
	// place, and so does a job of a process that died, until it is rescued. If zero and there
	// is a Key, it is 1.
	KeyLimit int

	// GlobalLimit is how many jobs of the queue may run at once, over all processes. The
	// others wait in the store. If zero, there is no limit but the Concurrency of each process.
	GlobalLimit int

	// KeepCompleted is how long completed jobs of the queue stay visible. One process
	// deletes for all, and knows only its own configuration: set KeepCompleted to the same
	// in each process that works jobs of the store, with a queue that has no handler where
	// it works others. If zero, Config.KeepCompleted is used.
	KeepCompleted time.Duration

	// OnGiveUp is called with an item that gave up and a *channelq.GiveUpError, with the
	// handler's context, on a goroutine of its own, before the failure is written to the
	// store. A panic is caught, counted and logged. A job whose process died in its last
	// attempt gives up with [ErrLost], in the process that finds it. A payload that cannot
	// be decoded has no item and is only counted and logged.
	OnGiveUp func(ctx context.Context, item T, err error)
}

func (c *QueueConfig[T]) fill() error {
	switch {
	case c.Concurrency < 0:
		return fmt.Errorf("Concurrency is negative: %d", c.Concurrency)
	case c.Concurrency > maxConcurrency:
		return fmt.Errorf("Concurrency is more than %d: %d", maxConcurrency, c.Concurrency)
	case c.Timeout < 0:
		return fmt.Errorf("Timeout is negative: %v", c.Timeout)
	case c.Timeout > maxTimeout:
		return fmt.Errorf("Timeout is more than a year, %v: %v", maxTimeout, c.Timeout)
	case c.RateLimit < 0:
		return fmt.Errorf("RateLimit is negative: %v", c.RateLimit)
	case c.Burst < 0:
		return fmt.Errorf("Burst is negative: %d", c.Burst)
	case c.MaxWaiting < 0:
		return fmt.Errorf("MaxWaiting is negative: %d", c.MaxWaiting)
	case c.KeyLimit < 0:
		return fmt.Errorf("KeyLimit is negative: %d", c.KeyLimit)
	case c.KeyLimit > 0 && c.Key == nil:
		return errors.New("KeyLimit is set, but Key is nil")
	case c.GlobalLimit < 0:
		return fmt.Errorf("GlobalLimit is negative: %d", c.GlobalLimit)
	case c.KeepCompleted < 0:
		return fmt.Errorf("KeepCompleted is negative: %v", c.KeepCompleted)
	case c.Retry.Attempts < 0:
		return fmt.Errorf("Retry.Attempts is negative: %d", c.Retry.Attempts)
	case c.Retry.Attempts > maxTries:
		return fmt.Errorf("Retry.Attempts is more than %d: %d", maxTries, c.Retry.Attempts)
	}
	if c.Concurrency == 0 {
		c.Concurrency = runtime.GOMAXPROCS(0)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Retry.Attempts == 0 {
		c.Retry.Attempts = defaultAttempts
	}
	if c.Retry.Initial == 0 {
		c.Retry.Initial = 500 * time.Millisecond
	}
	if c.Retry.Max == 0 {
		c.Retry.Max = max(time.Minute, c.Retry.Initial)
	}
	if err := c.policy().Validate(); err != nil {
		return fmt.Errorf("Retry.%w", err)
	}
	return nil
}

func (c *QueueConfig[T]) policy() backoff.Policy {
	return backoff.Policy{Initial: c.Retry.Initial, Max: c.Retry.Max, Factor: c.Retry.Factor, NoJitter: c.Retry.NoJitter}
}

// Queue keeps items of type T in the store until a handler has handled them, in
// this process or in another one. All methods may be called from any goroutine.
// It is a [channelq.Enqueuer].
type Queue[T any] struct {
	jobs   *core
	kind   string
	handle func(ctx context.Context, item T) error
	cfg    QueueConfig[T]
	retry  backoff.Policy
	pace   pacer
	delays sync.Map // job ID to the delay until its next attempt, until the engine asks
	books  books
	waits  waiting // see MaxWaiting

	failures glance[[]channelq.Failure]
	retrying glance[[]channelq.Retrying]
	paused   glance[bool]
}

// books count what this process did.
type books struct {
	accepted, handled, gaveUp, retried, panics, closed, cancelled, full atomic.Uint64

	wait, handle histogram
}

// NewQueue adds a queue to jobs that were not used yet. Kind names it in the
// store: lower case letters and digits, in parts separated by a hyphen or an
// underscore, at least 2 and at most 64 characters, the same in every process and
// every version of the program.
//
// Handle is what channelq.NewWorkers takes. It may be called with the same item
// again: after a crash, or when the store was unreachable. If nil, another process
// handles the items.
//
// It fails when the configuration makes no sense, naming the field, and when a T would be
// stored as nothing: a struct without a field that JSON sees. What JSON cannot write,
// such as a channel, is an error of Enqueue. Unexported fields beside others are only
// logged: as in every use of encoding/json they come back empty.
func NewQueue[T, TTx any](jobs *Jobs[TTx], kind string, handle func(ctx context.Context, item T) error, cfg QueueConfig[T]) (*Queue[T], error) {
	fail := func(err error) (*Queue[T], error) {
		return nil, fmt.Errorf("stead/durable: new queue %q: %w", kind, err)
	}
	if jobs == nil {
		return fail(errors.New("the jobs are nil"))
	}
	if !validKind(kind) {
		return fail(errors.New("the name, which is the kind of its jobs in River, has to be 2 to 64 lower case letters and digits, in parts separated by - or _"))
	}
	if err := cfg.fill(); err != nil {
		return fail(err)
	}
	lost, err := notStored(reflect.TypeFor[T]())
	if err != nil {
		return fail(err)
	}
	q := &Queue[T]{jobs: &jobs.core, kind: kind, handle: handle, cfg: cfg, retry: cfg.policy(), pace: newPacer(cfg.RateLimit, cfg.Burst)}
	r := registered{
		kind: kind, limits: cfg.limits(), keep: cfg.KeepCompleted, timeout: cfg.Timeout + q.hold(), queue: q, delay: q.delay, lost: q.lost, fromJSON: q.fromJSON, books: &q.books,
		addTo: func(w *river.Workers) {
			river.AddWorkerArgs(w, payload{kind: kind}, &worker[T]{q: q})
		},
	}
	if jobs.log.Source() == nil {
		r.unstored = lost
	} else {
		jobs.warn(kind, lost)
	}
	if handle != nil {
		r.concurrency = cfg.Concurrency
	}
	if err := jobs.register(r); err != nil {
		return fail(err)
	}
	return q, nil
}

// warn tells the log of fields that are not stored.
func (j *core) warn(kind string, unstored []string) {
	if len(unstored) > 0 {
		j.log.Warn("unexported fields are not stored", slog.String("queue", kind), slog.Any("fields", unstored))
	}
}

// Name returns the kind.
func (q *Queue[T]) Name() string { return q.kind }

// validKind accepts what the engine accepts both as a kind and as the name of a
// queue; the engine itself says so only when the client is made.
func validKind(kind string) bool {
	if len(kind) < 2 || len(kind) > 64 {
		return false
	}
	separated := true // a separator may not come first, last or twice
	for _, c := range []byte(kind) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			separated = false
		case (c == '-' || c == '_') && !separated:
			separated = true
		default:
			return false
		}
	}
	return !separated
}
