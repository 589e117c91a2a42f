package channelq

import (
	"context"
	"fmt"
	"log/slog"
	"time"
	"unsafe"

	"golang.org/x/time/rate"
)

// Workers handle the items of one queue, several at a time. Make them with
// [NewWorkers]. They have the Start and Stop of a hosted service. All methods are
// safe for concurrent use. A worker takes one item at a time, so that nothing waits
// behind a stuck handler.
//
// A panic of the handler and a runtime.Goexit in it are failures of that item
// and cost no worker.
type Workers[T any] struct {
	workers
	typed  itemsOf[T]
	handle func(context.Context, T) error
	key    func(T) string
	skip   func(T) bool
}

// workers are what of [Workers] does not depend on the type of the items.
type workers struct{ consumer }

// NewWorkers makes workers that call handle for every item of q. It returns an error
// that names the field if the configuration is invalid. It also returns an error if
// q has a consumer already that closes it at its stop: give all but one of them
// Detach.
//
// Workers that nobody adds to a host handle nothing, and no error says so until an
// enqueue fails. Give the service of the producer hosted.Watch(q) as well: items
// left in the queue are then an error of the stop.
//
// The context of the handler carries the values of the context given to Start. It
// is done when an attempt has taken longer than Timeout, or when a stop has used
// up the time to drain. context.Cause says which.
func NewWorkers[T any](q *Queue[T], handle func(ctx context.Context, item T) error, cfg WorkerConfig[T]) (*Workers[T], error) {
	if err := checkConsumer("new workers", q, handle == nil); err != nil {
		return nil, err
	}
	err := cfg.validate()
	w := &Workers[T]{handle: handle, key: cfg.Key, skip: cfg.Skip}
	if err == nil {
		err = w.init(&q.queue, cfg.Logger, settings{
			timeout: cfg.Timeout, retry: cfg.Retry, reserve: cfg.LeftoverReserve, keep: cfg.KeepFailures,
			detach: cfg.Detach, drain: cfg.Drain, keyed: cfg.Key != nil, keyLimit: cfg.KeyLimit, skips: cfg.Skip != nil,
			onGiveUp: cfg.OnGiveUp != nil, onLeftover: cfg.OnLeftover != nil, describes: cfg.Describe != nil,
			ownLimiter: cfg.Limiter, limit: cfg.Limit,
		}, func() error { return q.setOnSettled(cfg.OnSettled) })
	}
	if err != nil {
		return nil, fmt.Errorf("stead/channelq: new workers %q: %w", q.name, err)
	}
	w.typed = itemsOf[T]{q: q, onGiveUp: cfg.OnGiveUp, onLeftover: cfg.OnLeftover, describer: cfg.Describe}
	w.typed.make = w.newHands
	w.items, w.fetch, w.target = &w.typed, w.fetchOne, cfg.concurrency()
	w.limiter.Store(newLimiter(cfg.RateLimit, cfg.Burst))
	w.refreshLocked()
	if w.keyed {
		q.gate.used.Store(true)
	}
	return w, nil
}

// newHands makes room for prefetched items if they may be worth it.
func (w *Workers[T]) newHands() hands {
	room := 1
	if w.mayPrefetch() && unsafe.Sizeof(*new(T)) <= maxPrefetched {
		room = maxPrefetch
	}
	return &oneItem[T]{w: w, v: make([]T, room)}
}

// Start starts the workers and returns at once. Handlers see the values of ctx, but
// neither its deadline nor its cancellation. It returns an error if ctx is done
// already, and if it is called a second time or after Stop: workers start once.
func (w *workers) Start(ctx context.Context) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	n := w.target // Resize may be called by now
	w.mu.Unlock()
	w.log.Debug("workers started", slog.Int("workers", n))
	return nil
}

// Resize sets how many items are handled at a time, at least 1. It returns at
// once. Additional workers begin at once. Surplus workers end when their handlers
// return.
func (w *workers) Resize(n int) error {
	if n < 1 {
		return fmt.Errorf("stead/channelq: resize %q: less than one worker: %d", w.q.name, n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = n
	w.refreshLocked()
	if len(w.workers) > n {
		w.reclaimAllLocked()
		w.wakeAllLocked()
	}
	w.pokeManager()
	return nil
}

// Pause keeps handlers from starting: after Pause has returned, no handler starts
// until Resume. Running handlers go on. The queue accepts items until it is full. A
// worker that was waiting may still take one item, and keeps it for Resume. A stop
// while paused hands the backlog to OnLeftover. Once a stop has begun, Pause and
// Resume do nothing.
func (w *workers) Pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping || w.paused {
		return
	}
	w.paused = true
	w.holdAllLocked()
}

// Resume ends a Pause.
func (w *workers) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping || !w.paused {
		return
	}
	w.paused = false
	w.refreshLocked()
	w.wakeAllLocked()
}

// Paused reports whether Pause is in force.
func (w *workers) Paused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paused
}

// RateLimit sets how many attempts may start per second, over all workers, and
// how many of them at once, at least 1. A limit of 0 removes the limit. A worker
// that waits for its turn already waits by the old limit.
func (w *workers) RateLimit(limit rate.Limit, burst int) error {
	if !(limit >= 0) || burst < 0 {
		return fmt.Errorf("stead/channelq: rate limit %q: negative or not a number: %v, burst %d", w.q.name, limit, burst)
	}
	if w.ownLimiter != nil {
		return fmt.Errorf("stead/channelq: rate limit %q: the workers have a Limiter", w.q.name)
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
	if limit > 0 && w.reclaimAllLocked() {
		w.wakeOneLocked()
	}
	return nil
}
