package channelq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
// A worker takes one item at a time. Only while handlers take no more than some
// microseconds and there is a backlog does it take up to 16, its share of at most
// half of that backlog; then they count as in progress. Other workers take back
// what it has not started rather than be idle, and also when it stays at one
// item: nothing waits behind a stuck handler. With a Key, a Timeout, Detach or a
// RateLimit it is always one at a time.
//
// A panic of the handler and a runtime.Goexit in it are failures of that item
// and cost no worker.
type Workers[T any] struct {
	consumer[T]
	handle  func(context.Context, T) error
	cfg     WorkerConfig[T]
	backoff backoff.Policy
	limiter atomic.Pointer[rate.Limiter]

	// attention is set while a worker that looks for its next item has more to
	// think of than the queue; it then goes through mu.
	attention atomic.Bool

	// wanted is set while a worker waits that nobody has called and no other one
	// is on its way from a call: it is all that a run begun has to look at.
	wanted atomic.Bool

	// Guarded by mu.
	slots   []*slot[T] // the workers that are neither leaving nor abandoned
	made    int        // workers ever made
	target  int        // as many as there should be
	probe   int        // counts the looks into the hands of others
	waiting int        // workers that wait and were not called
	coming  int        // workers that were called and have not looked yet
	leading bool       // with keys: a worker is between the queue and the key's line
	paused  bool
	lost    []T // what was in the hands of handlers that were given up on
}

// NewWorkers makes workers that call handle for every item of q. It fails when
// the configuration makes no sense, naming the field, and when q has a consumer
// already that closes it at its stop: give all but one of them Detach.
//
// Workers that nobody adds to a host handle nothing, and no error says so until an
// enqueue fails. Give the producer's service hosted.Watch(q) as well: what is left
// in the queue is then an error of the stop.
//
// The handler's context carries the values of the context given to Start. It
// ends when an attempt has taken longer than Timeout, or when a stop has used up
// the time to drain; context.Cause says which.
func NewWorkers[T any](q *Queue[T], handle func(ctx context.Context, item T) error, cfg WorkerConfig[T]) (*Workers[T], error) {
	if q == nil {
		return nil, errors.New("stead/channelq: new workers: the queue is nil")
	}
	if handle == nil {
		return nil, fmt.Errorf("stead/channelq: new workers %q: the handler is nil", q.name)
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("stead/channelq: new workers %q: %w", q.name, err)
	}
	if !cfg.Detach && !q.claim() {
		return nil, fmt.Errorf("stead/channelq: new workers %q: the queue has a consumer already that closes it", q.name)
	}
	w := &Workers[T]{
		consumer: newConsumer(q, cfg.Logger, cfg.KeepFailures),
		handle:   handle, cfg: cfg, backoff: cfg.Retry.policy(), target: cfg.concurrency(),
	}
	w.crew, w.detach = w, cfg.Detach
	w.onLeftover, w.reserve = cfg.OnLeftover, cfg.LeftoverReserve
	w.limiter.Store(newLimiter(cfg.RateLimit, cfg.Burst))
	w.refreshLocked()
	return w, nil
}

// Start starts the workers and returns at once. Handlers see the values of ctx
// but neither its deadline nor its end. It fails if ctx has ended already, and
// when called a second time or after Stop: workers start once.
func (w *Workers[T]) Start(ctx context.Context) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	w.log.Debug("workers started", slog.Int("workers", w.cfg.concurrency()))
	return nil
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
		w.takeBackAllLocked()
		w.callAllLocked()
	}
	w.pokeManager()
	return nil
}

// Pause keeps handlers from starting: after it has returned none starts until
// Resume. Running ones go on. The queue goes on to accept items until it is
// full; a worker that was waiting may still take one item, and keeps it for
// Resume. What workers had taken ahead is parked, up to 15 items each, and with
// it more may be parked than the queue holds. A stop while paused hands the backlog to OnLeftover. Once a stop has
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
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.limiter.Load(); l != nil && limit > 0 {
		// The old limiter knows how much was started already.
		now := time.Now()
		l.SetLimitAt(now, limit)
		l.SetBurstAt(now, max(burst, 1))
		return nil
	}
	w.limiter.Store(newLimiter(limit, burst))
	w.refreshLocked()
	if limit > 0 && w.takeBackAllLocked() {
		w.callOneLocked()
	}
	return nil
}

// refreshLocked sets attention after a change of what it stands for.
func (w *Workers[T]) refreshLocked() {
	w.attention.Store(!w.mayRun() || w.parked.due.n > 0 || w.paused || w.drained ||
		w.ending || w.limiter.Load() != nil || len(w.slots) > w.target)
}
