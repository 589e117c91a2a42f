package channelq

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// fate is what becomes of one item of a batch.
type fate struct {
	verdict verdict
	err     error
	final   *GiveUpError
	delay   time.Duration // until the next attempt
}

// run is one batch's time in the handler. False means that a stop has given up on
// it: nothing here is the worker's any more.
func (b *Batcher[T]) run() bool {
	for i := range b.hand {
		b.hand[i].attempts++ // before the step: afterwards a stop may read it
	}
	b.fates = b.fates[:0]
	if !b.state.CompareAndSwap(free, running) {
		return true // collect gives everything back
	}
	for _, e := range b.hand {
		if e.attempts > 1 {
			b.q.books.retried.Add(1)
		}
	}
	return b.settle(b.attempt())
}

// attempt calls the handler with a slice of its own.
func (b *Batcher[T]) attempt() error {
	items := make([]T, len(b.hand))
	for i, e := range b.hand {
		items[i] = e.item
	}
	ctx := b.base
	if b.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, b.cfg.Timeout, ErrTimeout)
		defer cancel()
	}
	if b.runs++; b.runs%sampleRuns == 1 {
		defer func(start time.Time) {
			if b.state.Load() != abandoned {
				b.q.books.handle.observe(time.Since(start))
			}
		}(time.Now())
	}
	returned := false
	err := guard.Call(func() error {
		err := b.handle(ctx, items)
		inspect(err)
		returned = true
		return err
	})
	if !returned && b.state.Load() != abandoned {
		b.q.books.panics.Add(1)
	}
	if err != nil && ctx.Err() != nil {
		return withCause(ctx, err)
	}
	return err
}

// settle decides what becomes of every item in hand, which may call user code,
// and then puts them there. Should that end the goroutine, it goes on in another one
// with the items behind.
func (b *Batcher[T]) settle(err error) bool {
	if b.state.Load() == abandoned {
		return false
	}
	if !b.settling {
		b.settling, b.outcome = true, err
	}
	var partial *BatchError
	isPartial := errors.As(b.outcome, &partial) && partial.fits(len(b.hand))
	for i := len(b.fates); i < len(b.hand); i++ {
		failed := b.outcome
		if isPartial {
			failed = partial.Failed[i]
		}
		b.fates = append(b.fates, fate{verdict: handled})
		if failed != nil {
			b.fail(i, failed)
		}
	}
	return b.finish()
}

// fail decides what becomes of item i. Should user code not return, the item is
// given up.
func (b *Batcher[T]) fail(i int, err error) {
	f := &b.fates[i]
	f.final = &GiveUpError{Queue: b.q.name, Attempts: b.hand[i].attempts, Err: err}
	f.verdict, f.err = gaveUp, err
	f.verdict = b.judge(b.cfg.Retry, b.hand[i].attempts, err)
	switch f.verdict {
	case gaveUp:
		b.giveUp(b.cfg.OnGiveUp, b.hand[i].item, f.final)
	case again:
		f.delay = b.delay(b.backoff, b.hand[i].attempts, f.err)
	default:
	}
}

// finish puts away what was in hand. From the compare-and-swap on it is the
// worker's, which takes no time.
func (b *Batcher[T]) finish() bool {
	if !b.state.CompareAndSwap(running, free) {
		return false
	}
	now := time.Now()
	var retries []entry[T]
	for i, e := range b.hand {
		switch f := b.fates[i]; f.verdict {
		case handled:
			b.q.books.handled.add(0, 1)
		case gaveUp:
			b.failed.add(e.item, f.final)
			b.q.books.gaveUp.Add(1)
		case again:
			e.due, e.err = now.Add(f.delay), f.err
			retries = append(retries, e)
		case cut:
			e.due = now
			retries = append(retries, e)
		}
	}
	clear(b.hand)
	clear(b.fates)
	b.hand, b.outcome, b.settling = b.hand[:0], nil, false
	for some := range slices.Chunk(retries, releaseAtOnce) {
		b.parkAll(some)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushedLocked()
	return true
}

func (b *Batcher[T]) parkAll(entries []entry[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		b.parkLocked(e)
	}
}

// resume settles the batch of a worker whose goroutine was ended by a
// runtime.Goexit in user code: with that as the error, if it was the handler.
func (b *Batcher[T]) resume(err error) bool {
	switch b.state.Load() {
	case abandoned:
		return false
	case running:
		b.q.books.panics.Add(1)
		return b.settle(err)
	}
	b.log.Error("batch worker failed", slog.Any("error", err))
	return true
}
