package hosted

import "time"

// budget divides the time of a stop among the calls it has to make. Each call
// that is still to come keeps a small slice of its own, so that one that uses up
// its turn, and all the time that others left over, cannot take theirs.
type budget struct {
	end   time.Time // zero: there is no end
	slice time.Duration
}

// maxSlice is what a call that comes after stuck ones gets at most.
const maxSlice = 500 * time.Millisecond

// newBudget divides the time from now to end among calls, half of it at most in
// slices: the rest is for whoever needs it.
func newBudget(end time.Time, calls int) budget {
	if end.IsZero() || calls == 0 {
		return budget{end: end}
	}
	return budget{end, max(0, min(maxSlice, time.Until(end)/time.Duration(2*calls)))}
}

// turn is the deadline of a call that begins now with so many more to come;
// limit, if not zero, is how long it may take at most.
func (b budget) turn(now time.Time, toCome int, limit time.Duration) time.Time {
	deadline := b.end
	if !b.end.IsZero() {
		deadline = b.end.Add(-time.Duration(toCome) * b.slice)
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

// chain is the number of units on the longest chain among them: how many turns
// there are one after the other when stopping side by side.
func chain(units []*unit) int {
	longest := 0
	for _, u := range units {
		longest = max(longest, u.depth()+1)
	}
	return longest
}
