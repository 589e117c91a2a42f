package channelq

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

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
	case len(c.parked.due) > 0:
		return false
	case len(c.parked.later) == 0:
		return true
	}
	return c.stopping && !c.plan.cancel.IsZero() && c.parked.later[0].due.After(c.plan.cancel)
}

// hurry is for a stop whose context ended before its deadline.
func (c *consumer[T]) hurry() plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan = c.plan.cutShort(time.Now())
	return c.plan
}

// conclude counts what is left over, hands it on and says that it is over.
func (c *consumer[T]) conclude() {
	c.mu.Lock()
	ctx, times := c.stopCtx, c.plan
	items := c.crew.lostLocked()
	c.stuck = len(items)
	c.parkedByLocked(-c.parked.size())
	items = append(items, c.parked.empty()...)
	c.mu.Unlock()
	c.cancel(ErrStopping) // releases the context
	if ctx != nil && !c.detach {
		items = append(items, c.q.takeRest()...)
	}
	if c.stuck > 0 {
		c.log.Warn("handlers do not return, gave up on them", slog.Int("items", c.stuck))
	}
	c.left = len(items)
	c.q.books.leftOver.Add(uint64(c.left))
	switch {
	case ctx == nil:
		c.err = c.q.Err()
	case c.left > 0:
		c.result = c.handOver(ctx, times, items)
		c.err = c.result
	}
	c.log.Debug("consumer stopped", slog.Int("left_over", c.left))
	close(c.done)
}

// handOver gives what is left to OnLeftover, in a goroutine so that it cannot
// hold up the stop.
func (c *consumer[T]) handOver(parent context.Context, times plan, items []T) error {
	left := &LeftoverError{Queue: c.q.name, N: len(items)}
	if c.onLeftover == nil {
		c.log.Warn("items left over", slog.Int("left_over", left.N))
		return left
	}
	c.log.Info("items left over", slog.Int("left_over", left.N)) // what goes wrong with them is Stop's error
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	defer cancel()
	if !times.left.IsZero() {
		var release context.CancelFunc
		ctx, release = context.WithDeadline(ctx, times.left)
		defer release()
	}
	outcome := make(chan error, 1)
	go guard.Run(func() error { return c.onLeftover(ctx, items) }, func(err error) { outcome <- err })
	cut := parent.Done()
	if parent.Err() != nil {
		cut = nil
	}
	for {
		select {
		case left.Err = <-outcome:
			var caught *lifecycle.PanicError
			if errors.As(left.Err, &caught) {
				c.q.books.panics.Add(1)
			}
			if left.Err == nil {
				return nil
			}
			return left
		case <-after(times.left):
			cancel()
			times.left = time.Time{}
		case <-after(times.end):
			left.Err = errLeftoverRuns
			return left
		case <-cut:
			cut, times = nil, c.hurry()
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

// takeRest empties the queue.
func (q *Queue[T]) takeRest() []T {
	var rest []T
	var buf [256]T
	for {
		n, o := q.engine.TryTakeN(buf[:])
		if o != engine.OK {
			return rest
		}
		rest = append(rest, buf[:n]...)
	}
}
