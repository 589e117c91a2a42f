package channelq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/internal/backoff"
)

// Workers handle the items of one queue, several at a time. Make them with
// [NewWorkers]; they have the Start and Stop of a hosted service. All methods
// may be called from any goroutine; which of them block, and until when, is
// said at each.
//
// A worker takes one item at a time, so that nothing waits behind a stuck
// handler while another worker is idle. A panic of the handler and a
// runtime.Goexit in it are failures of that item and cost no worker.
type Workers[T any] struct {
	q       *Queue[T]
	handle  func(context.Context, T) error
	cfg     WorkerConfig[T]
	backoff backoff.Policy
	limiter atomic.Pointer[rate.Limiter]
	log     *slog.Logger
	base    context.Context // of every handler
	cancel  context.CancelCauseFunc
	failed  failures[T]

	// attention is not zero while a worker that looks for its next item has
	// more to think of than the queue; it then goes through mu.
	attention atomic.Bool
	poke      chan struct{} // tells manage to look again

	mu      sync.Mutex
	slots   []*slot[T] // the workers that are neither leaving nor abandoned
	made    int        // workers ever made
	target  int        // as many as there should be
	parked  parking[T]
	leading bool // with keys: a worker is between the queue and the key's line
	paused  bool
	drained bool // the queue is closed and nothing is left in it

	started  bool
	stopping bool            // Stop was called
	ending   bool            // workers leave instead of looking for another item
	stopCtx  context.Context // of the Stop that counts
	plan     plan
	lost     []T // what was in the hands of handlers that were given up on

	done   chan struct{}
	result error // of Stop; this and the next two are valid once done is closed
	err    error
	left   int
}

// NewWorkers makes workers that call handle for every item of q. It fails when
// the configuration makes no sense, naming the field, and when q has a consumer
// already that closes it at its stop: give all but one of them Detach.
//
// The handler's context carries the values of the context given to Start. It
// ends when an attempt has taken longer than Timeout, or when a stop has used up
// the time to drain; context.Cause says which.
func NewWorkers[T any](q *Queue[T], handle func(ctx context.Context, item T) error, cfg WorkerConfig[T]) (*Workers[T], error) {
	if q == nil || handle == nil {
		return nil, errors.New("stead/channelq: new workers: the queue or the handler is nil")
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("stead/channelq: new workers %q: %w", q.name, err)
	}
	if !cfg.Detach && !q.claim() {
		return nil, fmt.Errorf("stead/channelq: new workers %q: the queue has a consumer already that closes it", q.name)
	}
	w := &Workers[T]{
		q: q, handle: handle, cfg: cfg, backoff: cfg.Retry.policy(), log: loggerOf(cfg.Logger, q.name),
		failed: failures[T]{max: cfg.keepFailures()}, target: cfg.concurrency(),
		poke: make(chan struct{}, 1), done: make(chan struct{}),
	}
	w.limiter.Store(newLimiter(cfg.RateLimit, cfg.Burst))
	w.attention.Store(cfg.Key != nil)
	return w, nil
}

// Start starts the workers and returns at once. Handlers see the values of ctx
// but neither its deadline nor its end. It fails if ctx has ended already, and
// when called a second time or after Stop: workers start once.
func (w *Workers[T]) Start(ctx context.Context) error {
	if ctx.Err() != nil {
		return withCause(ctx, fmt.Errorf("stead/channelq: start %q: %w", w.q.name, ctx.Err()))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started || w.stopping {
		return fmt.Errorf("stead/channelq: start %q: started or stopped before", w.q.name)
	}
	w.started = true
	// WithValue keeps the address apart from all other keys: only this package
	// can name it.
	base := context.WithValue(context.WithoutCancel(ctx), &w.q.own, w)
	w.base, w.cancel = context.WithCancelCause(base)
	w.log.Info("workers started", slog.Int("workers", w.target))
	go w.manage()
	return nil
}

// Name returns the name of the queue.
func (w *Workers[T]) Name() string { return w.q.name }

// Stats returns the books of the queue, which count what all its consumers did.
func (w *Workers[T]) Stats() Stats {
	s := w.q.Stats()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.parked.due {
		if !e.due.IsZero() && (s.OldestDue.IsZero() || e.due.Before(s.OldestDue)) {
			s.OldestDue = e.due
		}
	}
	return s
}

// Done is closed when the workers have ended: by themselves, because the queue
// was closed and everything in it was handled, or by Stop.
func (w *Workers[T]) Done() <-chan struct{} { return w.done }

// Err is nil until Done is closed. Then it is what Stop returned or, if the
// workers ended by themselves, what the queue was closed with.
func (w *Workers[T]) Err() error {
	select {
	case <-w.done:
		return w.err
	default:
		return nil
	}
}

// LeftOver is how many items the stop did not have handled, whatever OnLeftover
// made of them. It is 0 until Done is closed.
func (w *Workers[T]) LeftOver() int {
	select {
	case <-w.done:
		return w.left
	default:
		return 0
	}
}

// Resize sets how many items are handled at a time, at least 1. It returns at
// once: additional workers begin at once, surplus ones end with their handler.
func (w *Workers[T]) Resize(n int) error {
	if n < 1 {
		return fmt.Errorf("stead/channelq: resize %q: less than one worker: %d", w.q.name, n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = n
	w.refreshLocked()
	if len(w.slots) > n {
		w.callAllLocked()
	}
	w.pokeManager()
	return nil
}

// Pause keeps handlers from starting: after it has returned none starts until
// Resume. Running ones go on. The queue goes on to accept items until it is
// full. A stop while paused hands the backlog to OnLeftover. Once a stop has
// begun, Pause and Resume do nothing.
func (w *Workers[T]) Pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping || w.paused {
		return
	}
	w.paused = true
	w.refreshLocked()
	w.holdAllLocked()
}

// Resume ends a Pause.
func (w *Workers[T]) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping || !w.paused {
		return
	}
	w.paused = false
	w.refreshLocked()
	w.callAllLocked()
}

// Paused reports whether Pause is in force.
func (w *Workers[T]) Paused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paused
}

// RateLimit sets how many attempts may start per second, over all workers, and
// how many of them at once, at least 1. A limit of 0 lifts it. A worker that
// waits for its turn already waits by the old limit.
func (w *Workers[T]) RateLimit(limit rate.Limit, burst int) error {
	if limit < 0 || burst < 0 {
		return fmt.Errorf("stead/channelq: rate limit %q: negative: %v, burst %d", w.q.name, limit, burst)
	}
	if l := w.limiter.Load(); l != nil && limit > 0 {
		// The old limiter knows how much was started already.
		now := time.Now()
		l.SetLimitAt(now, limit)
		l.SetBurstAt(now, max(burst, 1))
		return nil
	}
	w.limiter.Store(newLimiter(limit, burst))
	return nil
}

// refreshLocked sets attention after a change of what it stands for.
func (w *Workers[T]) refreshLocked() {
	w.attention.Store(w.cfg.Key != nil || len(w.parked.due) > 0 || w.paused || w.drained ||
		w.ending || w.stopping && w.cfg.Detach || len(w.slots) > w.target)
}

// parkedByLocked is called with every change of the number of parked items.
func (w *Workers[T]) parkedByLocked(n int) { w.q.books.parked.Add(int64(n)) }

func (w *Workers[T]) pokeManager() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}
