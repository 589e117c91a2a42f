package channelq

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// errLeftoverRuns is in a LeftoverError when the stop's deadline came first.
var errLeftoverRuns = fmt.Errorf("OnLeftover is still running: %w", context.DeadlineExceeded)

// lastGrace is what handlers, and then OnLeftover, get of a stop whose context
// ended before its deadline, or had none.
const lastGrace = 100 * time.Millisecond

// plan divides the time of a stop. Zero times are not fixed yet.
type plan struct {
	cancel  time.Time // handlers are told to end
	abandon time.Time // what has not ended is given up on
	left    time.Time // OnLeftover's context ends
	end     time.Time // OnLeftover is given up on
}

// newPlan keeps a reserve of a tenth of what remains, at most one second: half of
// it for handlers to obey, most of the rest for OnLeftover, and a little so that
// Stop returns before its caller gives up on it.
func newPlan(ctx context.Context) plan {
	deadline, ok := ctx.Deadline()
	if !ok {
		return plan{}
	}
	reserve := min(max(time.Until(deadline), 0)/10, time.Second)
	return plan{
		cancel:  deadline.Add(-reserve),
		abandon: deadline.Add(-reserve / 2),
		left:    deadline.Add(-reserve / 5),
		end:     deadline.Add(-reserve / 10),
	}
}

// cutShort is the rest of a plan whose stop's context has ended before its time.
func (p plan) cutShort(now time.Time) plan {
	sooner := func(a, b time.Time) time.Time {
		if a.IsZero() || b.Before(a) {
			return b
		}
		return a
	}
	return plan{
		cancel:  sooner(p.cancel, now),
		abandon: sooner(p.abandon, now.Add(lastGrace)),
		left:    sooner(p.left, now.Add(2*lastGrace)),
		end:     sooner(p.end, now.Add(2*lastGrace+lastGrace/2)),
	}
}

// Stop closes the queue, unless Detach, and waits until everything in it is
// handled. A parked item is waited for if it comes due in time. Shortly before
// ctx's deadline, by a tenth of what remains and at most one second, it cancels
// the handlers with the cause ErrStopping, waits for them to end, gives up on
// those that do not, and hands what is left to OnLeftover, all before the
// deadline. Without a deadline it drains until ctx is cancelled; a ctx that is
// cancelled already skips the drain. Handlers and OnLeftover then still get a
// tenth of a second each.
//
// It returns a *[LeftoverError] unless nothing was left or OnLeftover returned
// nil. It may be called before Start, more than once and from any goroutine. The
// first call's ctx bounds the stop, that of a later one only its own wait. With
// the context of one of its own handlers it fails at once with ErrInside and does
// nothing, because it would wait for that handler.
func (w *Workers[T]) Stop(ctx context.Context) error {
	if inside, _ := ctx.Value(&w.q.own).(*Workers[T]); inside == w {
		return fmt.Errorf("stead/channelq: stop %q: %w", w.q.name, ErrInside)
	}
	if w.beginStop(ctx) {
		<-w.done // manage keeps to ctx
	}
	select {
	case <-w.done: // also when ctx has ended
		return w.result
	default:
	}
	select {
	case <-w.done:
		return w.result
	case <-ctx.Done():
		return withCause(ctx, fmt.Errorf("stead/channelq: stop %q: %w", w.q.name, ctx.Err()))
	}
}

// beginStop reports whether this is the Stop that counts.
func (w *Workers[T]) beginStop(ctx context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping {
		return false
	}
	w.stopping = true
	w.stopCtx, w.plan = ctx, newPlan(ctx)
	if w.ending { // by itself
		return true
	}
	if !w.cfg.Detach {
		w.q.Close()
	}
	if !w.started {
		w.base, w.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		w.ending = true
		go w.manage()
		return true
	}
	w.log.Info("workers stopping", slog.Int("depth", w.q.Len()), slog.Int("parked", w.parked.size()))
	w.refreshLocked()
	w.callAllLocked()
	w.pokeManager()
	return true
}
