package channelq

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/stopping"
)

// finishStop counts what is left over, hands it on and says that it has ended.
func (c *consumer) finishStop() {
	ctx, times := c.collectRest()
	c.cancel(ErrStopping) // releases the context
	c.q.counters.leftover.Add(uint64(c.left))
	switch {
	case ctx == nil:
		c.err = c.q.Err()
	case c.left > 0:
		c.result = c.handOver(ctx, times)
		c.err = c.result
	}
	c.failureLog.flush(time.Now(), true)
	c.log.Debug("consumer stopped", slog.Int("leftover", c.left))
	close(c.done)
}

// collectRest takes what is left: from abandoned workers, from what is parked, and
// from the queue. A crowd is copied once, and without the mutex.
func (c *consumer) collectRest() (ctx context.Context, times plan) {
	c.mu.Lock()
	ctx, times = c.stopCtx, c.plan
	lost, parked := c.lost, c.parked
	c.parked = parking{}
	c.parkedLocked(-parked.size())
	if c.keyed {
		c.q.setHeld(0)
	}
	c.mu.Unlock()
	c.stuck = c.stragglers
	c.left = c.items.collect(lost, &parked, ctx != nil && !c.detach)
	return ctx, times
}

// handOver gives what is left to OnLeftover and logs what became of it.
func (c *consumer) handOver(parent context.Context, times plan) error {
	left := &LeftoverError{Queue: c.q.name, N: c.left}
	taken := false
	if c.onLeftover || c.q.settles.Load() {
		left.Err = c.callOnLeftover(parent, times)
		taken = c.onLeftover && left.Err == nil
	}
	if c.stuck > 0 {
		c.log.Warn("handlers do not return, gave up on them", slog.Int("items", c.stuck))
	}
	if taken {
		c.log.Info("items left over, OnLeftover took them", slog.Int("leftover", left.N))
		return nil
	}
	c.log.Warn("items left over", slog.Int("leftover", left.N))
	return left
}

// callOnLeftover calls OnLeftover in a goroutine, so that it cannot hold up the
// stop. It returns what OnLeftover returned, or that it has not returned.
func (c *consumer) callOnLeftover(parent context.Context, times plan) error {
	canceled := parent.Done()
	if parent.Err() != nil {
		canceled, times = nil, times.shorten(time.Now())
	}
	times = times.late(time.Now())
	ctx, cancel := context.WithCancel(stopping.Without(context.WithoutCancel(parent)))
	defer cancel()
	if !times.left.IsZero() {
		var release context.CancelFunc
		ctx, release = context.WithDeadline(ctx, times.left)
		defer release()
	}
	outcome, settled := make(chan error, 1), make(chan struct{})
	var once atomic.Bool
	settle := func(err error) (first bool) { // err nil: OnLeftover took them
		if first = once.CompareAndSwap(false, true); first {
			if err != nil || !c.onLeftover {
				err = &LeftoverError{Queue: c.q.name, N: c.left, Err: err}
			}
			go c.settleLeft(err, settled)
		}
		return first
	}
	go guard.Run(func() error {
		if !c.onLeftover {
			return nil
		}
		returned := false
		defer func() {
			if !returned {
				c.q.counters.panics.Add(1)
			}
		}()
		err := c.items.handOver(ctx)
		guard.Inspect(err) // while a panic in it still counts as one
		returned = true
		return err
	}, func(err error) {
		outcome <- err
		settle(err)
	})
	result := errLeftoverRuns
	for {
		select {
		case result = <-outcome:
		case <-settled: // comes after outcome
			select {
			case result = <-outcome:
			default:
			}
			return result
		case <-after(times.left):
			cancel()
			times.left = time.Time{}
		case <-after(times.end):
			if settle(errLeftoverRuns) {
				return errLeftoverRuns
			}
			select { // it has returned
			case result = <-outcome:
			default:
			}
			return result
		case <-canceled:
			canceled, times = nil, times.shorten(time.Now())
		}
	}
}

// settleLeft calls OnSettled for what is left over, and then closes done. If that ends
// the goroutine, it goes on in another one behind the item.
func (c *consumer) settleLeft(err error, done chan struct{}) {
	guard.Run(func() error { c.items.settleLeft(err); return nil }, func(unwound error) {
		if unwound != nil {
			c.q.counters.panics.Add(1)
			go c.settleLeft(err, done)
			return
		}
		close(done)
	})
}

// after is a channel that gets a value at a time, nil for the zero time.
func after(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}
