package channelq

import (
	"context"
	"time"
)

// lastGrace is what handlers, and then OnLeftover, get of a stop whose context
// was done before its deadline, or had none.
const lastGrace = 100 * time.Millisecond

// What OnLeftover gets of a stop unless LeftoverReserve says how long: a tenth,
// within these.
const (
	leastReserve = 500 * time.Millisecond
	mostReserve  = time.Second
)

// plan divides the time of a stop. Zero times are not fixed yet.
type plan struct {
	cancel  time.Time // handlers are told to end
	abandon time.Time // what has not ended is given up on
	left    time.Time // OnLeftover's context is done
	end     time.Time // OnLeftover is given up on
}

// newPlan keeps, before the deadline, a tenth of what remains, at most one second:
// half of it for handlers to obey, and a little so that Stop returns before its
// caller gives up on it. OnLeftover, if there is one, has a part of its own, at most
// half of what remains. After the deadline there is no time to divide.
func (c *consumer) newPlan(ctx context.Context) plan {
	deadline, ok := ctx.Deadline()
	remains := time.Until(deadline)
	switch {
	case !ok:
		return plan{}
	case remains <= 0:
		return plan{}.shorten(time.Now())
	}
	tenth := min(remains/10, time.Second)
	p := plan{left: deadline.Add(-tenth / 5), end: deadline.Add(-tenth / 10)}
	var reserve time.Duration
	switch {
	case !c.onLeftover:
	case c.reserve > 0:
		reserve = min(c.reserve, remains/2)
	default:
		reserve = min(max(remains/10, leastReserve), mostReserve, remains/2)
	}
	p.abandon = p.left.Add(-max(reserve, tenth*3/10))
	p.cancel = p.abandon.Add(-tenth / 2)
	return p
}

// shorten is the rest of a plan whose stop's context is done before its time.
func (p plan) shorten(now time.Time) plan {
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

// late is the plan when OnLeftover is called no sooner than now. It finds a context
// that is alive, even if the machine had no time for this process when the plan had:
// being late by a moment is better than to lose the items.
func (p plan) late(now time.Time) plan {
	if p.left.IsZero() {
		return p
	}
	if behind := now.Add(min(p.left.Sub(p.abandon), lastGrace)).Sub(p.left); behind > 0 {
		p.left, p.end = p.left.Add(behind), p.end.Add(behind)
	}
	return p
}
