package channelq

import (
	"context"
	"time"
)

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
