package channelq

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// Batcher hands the items of one queue to a handler in batches, one batch at a
// time, so that batches keep the order of the queue. Make it with [NewBatcher]. It
// has the Start and Stop of a hosted service. All methods are safe for concurrent
// use.
//
// A panic of the handler and a runtime.Goexit in it are failures of the whole
// batch. Items that were taken for a batch that is not full yet count as in
// progress.
type Batcher[T any] struct {
	batcher
	typed  itemsOf[T]
	handle func(context.Context, []T) error
}

// NewBatcher makes a batcher that calls handle for the items of q. It fails as
// [NewWorkers] does. A batcher that nobody adds to a host is as silent as forgotten
// Workers, see there.
//
// The slice belongs to the handler: it may be kept. The context is that of the
// handler of [NewWorkers].
func NewBatcher[T any](q *Queue[T], handle func(ctx context.Context, items []T) error, cfg BatchConfig[T]) (*Batcher[T], error) {
	if err := checkConsumer("new batcher", q, handle == nil); err != nil {
		return nil, err
	}
	err := cfg.validate()
	b := &Batcher[T]{handle: handle}
	if err == nil {
		err = b.init(&q.queue, cfg.Logger, settings{
			timeout: cfg.Timeout, retry: cfg.Retry, reserve: cfg.LeftoverReserve, keep: cfg.KeepFailures,
			detach: cfg.Detach, drain: cfg.Drain, describes: cfg.Describe != nil, batches: true, onGiveUp: cfg.OnGiveUp != nil, onLeftover: cfg.OnLeftover != nil,
		}, func() error { return q.setOnSettled(cfg.OnSettled) })
	}
	if err != nil {
		return nil, fmt.Errorf("stead/channelq: new batcher %q: %w", q.name, err)
	}
	b.maxItems, b.maxWait = cfg.MaxItems, cfg.MaxWait
	if b.maxItems == 0 {
		b.maxItems = 100
	}
	b.typed = itemsOf[T]{q: q, onGiveUp: cfg.OnGiveUp, onLeftover: cfg.OnLeftover, describer: cfg.Describe}
	b.typed.make = func() hands { return &batchOf[T]{b: b} }
	b.items, b.fetch, b.target = &b.typed, b.collect, 1
	return b, nil
}

// batcher is what of a [Batcher] does not depend on the type of the items.
type batcher struct {
	consumer
	maxItems int
	maxWait  time.Duration

	// Guarded by mu.
	taken   uint64 // from the queue, ever
	flushes []*flush
}

// Start starts the batcher and returns at once. See [Workers.Start].
func (b *batcher) Start(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	b.log.Debug("batcher started", slog.Int("max_items", b.maxItems))
	return nil
}

// collect fetches the next batch. False means that the worker is not needed any more.
func (b *batcher) collect(w *worker) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushedLocked()  // the batch before is settled
	var full time.Time // when the batch goes as it is
	for {
		if b.ending || b.onHold() {
			b.giveBackLocked(w)
		}
		if b.ending {
			b.removeLocked(w)
			return false
		}
		if b.onHold() {
			b.restLocked(w)
			continue
		}
		for len(w.items) < b.maxItems && b.loadDueLocked(w) {
		}
		b.noticeFlushesLocked()
		if len(w.items) == 0 {
			b.flushedLocked()
		} else if full.IsZero() {
			full = time.Now().Add(b.maxWait)
		}
		mayTake := !b.drained && !(b.stopping && b.detach) && b.parked.size() <= b.q.Cap()
		room := b.maxItems - len(w.items)
		switch {
		case room <= 0 || len(w.items) > 0 && !mayTake:
			return true
		case !mayTake:
			b.restLocked(w)
		case len(b.flushes) > 0:
			if !b.takeLocked(w, room) && len(w.items) > 0 {
				return true
			}
		case len(w.items) > 0 && !time.Now().Before(full):
			b.takeLocked(w, room)
			return true
		default:
			b.awaitLocked(w, room, full)
		}
	}
}

// takeLocked takes items that are in the queue now, and reports whether it did.
func (b *batcher) takeLocked(w *worker, most int) bool {
	n, o := w.hands.takeNow(most)
	b.tookLocked(w, n, o)
	return n > 0
}

// awaitLocked waits for an item, until the worker is woken or the batch is to go.
func (b *batcher) awaitLocked(w *worker, most int, full time.Time) {
	if b.takeLocked(w, most) || b.drained {
		return
	}
	if !full.IsZero() {
		timer := time.AfterFunc(time.Until(full), w.wakeup.send)
		defer timer.Stop()
	}
	var n int
	var o engine.Outcome
	b.waitLocked(w, atQueue, func() { n, o = w.hands.take(w.wakeup, most) })
	b.tookLocked(w, n, o)
}

func (b *batcher) tookLocked(w *worker, n int, o engine.Outcome) {
	b.receivedLocked(w, n, o)
	b.taken += uint64(n)
	if o != engine.Empty && o != engine.Closed {
		return
	}
	for _, f := range b.flushes {
		if f.noticed { // everything it waits for was taken, by whomever
			f.till = min(f.till, b.taken)
		}
	}
}

// flush is one call of Flush.
type flush struct {
	noticed bool          // by the worker, which then set till
	till    uint64        // it is done when so many items were taken, and handled
	done    chan struct{} // closed when it is done
}

// Flush hands over everything that was enqueued before the call without waiting
// for full batches, and returns when the handler has returned for all of it. An
// item that failed counts: its retry is not waited for. It fails with an error
// that wraps ctx.Err() when ctx is done first, with ErrClosed when the batcher has
// ended, and with ErrInside when it is called with the handler's own context.
func (b *batcher) Flush(ctx context.Context) error {
	if b.inside(ctx) {
		return fmt.Errorf("stead/channelq: flush %q: %w", b.q.name, ErrInside)
	}
	f := &flush{done: make(chan struct{})}
	b.mu.Lock()
	b.flushes = append(b.flushes, f)
	b.wakeAllLocked()
	b.mu.Unlock()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return withCause(ctx, fmt.Errorf("stead/channelq: flush %q: %w", b.q.name, ctx.Err()))
	case <-b.done:
	}
	if b.left > 0 || b.q.Len() > 0 {
		return fmt.Errorf("stead/channelq: flush %q: %w", b.q.name, ErrClosed)
	}
	return nil // all of it was handled on the way to the end
}

// noticeFlushesLocked sets what new flushes wait for: what was enqueued before is in
// hand or among the first in the queue.
func (b *batcher) noticeFlushesLocked() {
	for _, f := range b.flushes {
		if !f.noticed {
			f.noticed, f.till = true, b.taken+uint64(b.q.Len())
		}
	}
}

// flushedLocked ends the flushes that have got what they wait for. The hands of the
// worker must be empty.
func (b *batcher) flushedLocked() {
	open := b.flushes[:0]
	for _, f := range b.flushes {
		if f.noticed && b.taken >= f.till {
			close(f.done)
		} else {
			open = append(open, f)
		}
	}
	clear(b.flushes[len(open):])
	b.flushes = open
}
