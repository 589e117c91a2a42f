package channelq

import (
	"context"
	"fmt"
	"log/slog"
)

// Stop closes the queue, unless Detach, and waits until everything in it is
// handled. A parked item is waited for if it comes due in time. Shortly before
// ctx's deadline, by a tenth of what remains and at most one second, and by
// LeftoverReserve more if there is an OnLeftover, it cancels the handlers with the
// cause ErrStopping, waits for them to end, gives up on the ones that do not, and hands
// what is left to OnLeftover, all before the deadline. Without a deadline it drains
// until ctx is canceled; a ctx that is canceled already skips the drain. Handlers
// and OnLeftover then still get a tenth of a second each, whatever LeftoverReserve
// says.
//
// It returns a *[LeftoverError] unless nothing was left or OnLeftover returned
// nil. It may be called before Start, more than once and from any goroutine. The
// first call's ctx bounds the stop, that of a later one only its own wait. With
// the context of one of its own handlers it fails at once with ErrInside and does
// nothing, because it would wait for that handler.
func (c *consumer) Stop(ctx context.Context) error {
	if c.inside(ctx) {
		return fmt.Errorf("stead/channelq: stop %q: %w", c.q.name, ErrInside)
	}
	if c.beginStop(ctx) {
		c.log.Debug("consumer stopping", slog.Int("depth", c.q.Len()))
		<-c.done // manage keeps to ctx
	}
	select {
	case <-c.done: // even when ctx is done
		return c.result
	default:
	}
	select {
	case <-c.done:
		return c.result
	case <-ctx.Done():
		return withCause(ctx, fmt.Errorf("stead/channelq: stop %q: %w", c.q.name, ctx.Err()))
	}
}

// beginStop reports whether this is the Stop that counts.
func (c *consumer) beginStop(ctx context.Context) bool {
	p := c.newPlan(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.stopping = true
	c.stopCtx, c.plan = ctx, p
	if c.ending { // by itself
		return true
	}
	if !c.detach {
		c.q.closeWith(nil, outlived)
	}
	if !c.started {
		c.base, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		c.ending = true
		go c.manage()
		return true
	}
	if c.drain == DropOnStop {
		c.shedding = true
		c.holdAllLocked()
	}
	c.refreshLocked()
	c.wakeAllLocked()
	c.pokeManager()
	return true
}
