package hosted

import "time"

// budget divides the time of a stop among the calls it has to make: each call that
// waits keeps an equal share of a quarter of it, the next one keeps another quarter,
// and the one whose turn it is may use all the rest. What a call does not use flows
// on to those after it.
//
// The quarter is there once: a second call that uses up its turn leaves to each of
// the others the share that is its own.
type budget struct {
	end   time.Time     // zero: there is no end
	share time.Duration // of each call that waits
	next  time.Duration // beside its share, of the one that waits next
}

// newBudget divides the time from now to end among calls.
func newBudget(end time.Time, calls int) budget {
	if end.IsZero() || calls == 0 {
		return budget{end: end}
	}
	quarter := max(0, time.Until(end)) / 4
	return budget{end: end, share: quarter / time.Duration(calls), next: quarter}
}

// turn is the deadline of a call that begins now with so many more to come;
// limit, if not zero, is how long it may take at most.
func (b budget) turn(now time.Time, toCome int, limit time.Duration) time.Time {
	deadline := b.end
	if !b.end.IsZero() {
		if toCome > 0 {
			free := b.end.Sub(now) - time.Duration(toCome)*b.share
			deadline = now.Add(max(free-b.next, min(free, b.next+b.share)))
		}
		// After the end, as when a caller gave no time at all, every call is
		// still made; it has a moment to come back, and all together have
		// overrun.
		if least := now.Add(time.Millisecond); deadline.Before(least) && least.Before(b.end.Add(overrun)) {
			deadline = least
		}
	}
	if limit > 0 && (deadline.IsZero() || now.Add(limit).Before(deadline)) {
		deadline = now.Add(limit)
	}
	return deadline
}

// overrun is how long after its end a stop may still give calls a moment.
const overrun = 25 * time.Millisecond
