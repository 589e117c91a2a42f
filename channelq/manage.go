package channelq

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/stopping"
)

// releaseAtOnce is how many parked items come due in one step of manage at most: the
// next step follows at once, and in between others get the lock, and the stop its
// times.
const releaseAtOnce = 256

// takeAtOnce is how many items of what is left in a queue are taken in one step.
const takeAtOnce = 256

// manage is the goroutine that makes the workers, makes parked items due and
// carries out the stop. It handles no item itself.
func (c *consumer[T]) manage() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	hurried := false
	for {
		now := time.Now()
		next, over := c.crew.step(now)
		if over {
			break
		}
		var alarm <-chan time.Time // nil, not a distant time: see testing/synctest
		if !next.IsZero() {
			timer.Reset(next.Sub(now))
			alarm = timer.C
		}
		var cut <-chan struct{}
		if ctx := c.stopContext(); ctx != nil && !hurried {
			cut = ctx.Done()
		}
		select {
		case <-c.poke:
		case <-alarm:
		case <-cut:
			hurried = true
			c.hurry()
		}
	}
	c.conclude()
}

func (c *consumer[T]) stopContext() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopCtx
}

func reached(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// nextLocked is when the next parked item or the end of the drain is due, zero if
// neither is.
func (c *consumer[T]) nextLocked() (next time.Time) {
	if c.stopping {
		next = c.plan.cancel
	}
	if later := c.parked.later; len(later) > 0 && (next.IsZero() || later[0].due.Before(next)) {
		next = later[0].due
	}
	return next
}

// nothingDueLocked reports whether no parked item is due or comes due in time.
func (c *consumer[T]) nothingDueLocked() bool {
	switch {
	case c.parked.due.n > 0:
		return false
	case len(c.parked.later) == 0:
		return true
	}
	return c.stopping && !c.plan.cancel.IsZero() && c.parked.later[0].due.After(c.plan.cancel)
}

// hurry is for a stop whose context ended before its deadline.
func (c *consumer[T]) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan = c.plan.cutShort(time.Now())
}

// conclude counts what is left over, hands it on and says that it is over.
func (c *consumer[T]) conclude() {
	ctx, times, items := c.collectRest()
	c.cancel(ErrStopping) // releases the context
	c.left = len(items)
	c.q.books.leftover.Add(uint64(c.left))
	switch {
	case ctx == nil:
		c.err = c.q.Err()
	case c.left > 0:
		c.result = c.handOver(ctx, times, items)
		c.err = c.result
	}
	c.log.Debug("consumer stopped", slog.Int("leftover", c.left))
	close(c.done)
}

// collectRest takes what is left: from handlers that were given up on, from those
// that are parked, and from the queue. A crowd is copied once, and without the lock.
func (c *consumer[T]) collectRest() (ctx context.Context, times plan, items []T) {
	c.mu.Lock()
	ctx, times = c.stopCtx, c.plan
	lost, parked := c.crew.lostLocked(), c.parked
	c.parked = parking[T]{}
	c.parkedByLocked(-parked.size())
	c.mu.Unlock()
	c.stuck = len(lost)
	rest := 0
	if ctx != nil && !c.detach {
		rest = c.q.Len()
	}
	items = make([]T, 0, len(lost)+parked.size()+rest+takeAtOnce)
	items = parked.appendTo(append(items, lost...))
	if ctx != nil && !c.detach {
		items = c.q.appendRest(items)
	}
	return ctx, times, items
}

// handOver gives what is left to OnLeftover, in a goroutine so that it cannot
// hold up the stop, and logs what became of it.
func (c *consumer[T]) handOver(parent context.Context, times plan, items []T) error {
	left := &LeftoverError{Queue: c.q.name, N: len(items)}
	taken := false
	if c.onLeftover != nil {
		left.Err = c.callOnLeftover(parent, times, items)
		taken = left.Err == nil
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

// callOnLeftover returns what it returned, or that it has not.
func (c *consumer[T]) callOnLeftover(parent context.Context, times plan, items []T) error {
	cut := parent.Done()
	if parent.Err() != nil {
		cut, times = nil, times.cutShort(time.Now())
	}
	times = times.late(time.Now())
	ctx, cancel := context.WithCancel(stopping.Without(context.WithoutCancel(parent)))
	defer cancel()
	if !times.left.IsZero() {
		var release context.CancelFunc
		ctx, release = context.WithDeadline(ctx, times.left)
		defer release()
	}
	outcome := make(chan error, 1)
	go guard.Run(func() error {
		returned := false
		defer func() {
			if !returned {
				c.q.books.panics.Add(1)
			}
		}()
		err := c.onLeftover(ctx, items)
		guard.Inspect(err) // while a panic in it still counts as one
		returned = true
		return err
	}, func(err error) { outcome <- err })
	for {
		select {
		case err := <-outcome:
			return err
		case <-after(times.left):
			cancel()
			times.left = time.Time{}
		case <-after(times.end):
			return errLeftoverRuns
		case <-cut:
			cut, times = nil, times.cutShort(time.Now())
		}
	}
}

// after is a channel that gets a value at a time, nil for the zero time.
func after(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// appendRest empties the queue into items.
func (q *Queue[T]) appendRest(items []T) []T {
	for {
		items = slices.Grow(items, takeAtOnce)
		n, o := q.engine.TryTakeN(items[len(items):cap(items)])
		if o != engine.OK {
			return items
		}
		items = items[:len(items)+n]
	}
}
