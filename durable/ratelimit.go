package durable

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// paceHold is the longest that a job which was taken waits for the rate limit.
// It then goes back to the store, to be taken again: a job counts as lost with its
// process by how long ago it was taken, so none may be held for as long as a slow
// rate would have it wait.
const paceHold = 30 * time.Second

// pacer keeps the attempts of a queue to a rate. Its zero value has no limit.
type pacer struct{ limiter *rate.Limiter }

func newPacer(limit rate.Limit, burst int) pacer {
	if limit == 0 {
		return pacer{}
	}
	return pacer{rate.NewLimiter(limit, max(burst, 1))}
}

// hold is how much longer than its handler takes a job may be held.
func (p pacer) hold() time.Duration {
	if p.limiter == nil {
		return 0
	}
	return paceHold
}

// wait reports whether the attempt may begin: true when its turn has come, false if ctx
// is done or the turn is too far off. An attempt that does not begin uses no turn. It
// waits for paceHold nevertheless, or the store would be asked for the job again and
// again. There has to be a limit.
func (p pacer) wait(ctx context.Context) bool {
	turn := p.limiter.Reserve()
	delay := turn.Delay()
	mine := delay <= paceHold
	if !mine {
		turn.Cancel()
		delay = paceHold
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		if mine {
			turn.Cancel()
		}
		return false
	case <-timer.C:
		return mine
	}
}
