package durable

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// turnHold is the longest that a job which was taken waits for the Limit, for the reason
// of paceHold: the process would count as having lost it.
const turnHold = paceHold

// hold is how much longer than its handler takes a job of the queue may be held.
func (q *Queue[T]) hold() time.Duration {
	hold := q.pace.hold()
	if q.jobs.cfg.Limit != nil {
		hold += turnHold
	}
	return hold
}

// itsTurn waits for the Limit of the process and then for the rate limit. It returns false
// when the attempt may not begin, because it is too early still, a stop began, or the job
// was canceled. What it acquired is released by end, which may be called again.
func (q *Queue[T]) itsTurn(ctx context.Context) (mayBegin bool, end func()) {
	if q.pace.limiter == nil && q.jobs.cfg.Limit == nil {
		return true, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.jobs.ending, cancel)()
	mayBegin, end = q.jobs.acquire(ctx)
	return mayBegin && (q.pace.limiter == nil || q.pace.wait(ctx)), end
}

// acquire waits for the Limit. It returns false if ctx is done, or the Limit was not
// acquired in time. After an error of the Limit it still waits for that time, or the
// store would be asked for the job again and again.
func (j *core) acquire(ctx context.Context) (got bool, release func()) {
	if j.cfg.Limit == nil {
		return true, func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, turnHold)
	defer cancel()
	if err := guard.Call(func() error { return j.cfg.Limit.Acquire(ctx, 1) }); err != nil {
		if ctx.Err() == nil {
			j.log.Error("limit failed", slog.Any("error", err))
		}
		<-ctx.Done()
		return false, func() {}
	}
	return true, sync.OnceFunc(func() {
		if err := guard.Call(func() error { j.cfg.Limit.Release(1); return nil }); err != nil {
			j.log.Error("limit failed", slog.Any("error", err))
		}
	})
}
