package periodic

import (
	"fmt"
	"math"
)

// Overlap decides about a slot that is due, or a Trigger, while a run of the same
// job is running. The zero value is SkipOverlap.
type Overlap int32

// The policies for overlaps. A positive value is the length of a queue. A value below
// Replace is the negated number of parallel runs.
const (
	SkipOverlap Overlap = 0  // the slot is skipped and counted in Skips
	QueueOne    Overlap = 1  // at most one slot waits for the end of the run
	Replace     Overlap = -1 // the run is canceled with cause ErrReplaced; the new one starts when it has returned

	badOverlap Overlap = math.MinInt32
)

// Queue returns a policy that lets at most n slots wait for the end of the run.
// They run one after the other, oldest first. Further slots are skipped. New
// returns an error if n is not from 1 to 100,000.
func Queue(n int) Overlap {
	if n < 1 || n > maxCount {
		return badOverlap
	}
	return Overlap(n)
}

// Parallel returns a policy that lets at most n runs be running at a time. Further
// slots are skipped. New returns an error if n is not from 1 to 100,000.
// Parallel(1) is SkipOverlap.
func Parallel(n int) Overlap {
	if n < 1 || n > maxCount {
		return badOverlap
	}
	if n == 1 {
		return SkipOverlap
	}
	return Overlap(-n)
}

// maxCount bounds the policies that hold slots in memory.
const maxCount = 100_000

// width returns how many runs may be running at a time.
func (o Overlap) width() int {
	if o < Replace {
		return int(-o)
	}
	return 1
}

// waiting returns how many slots may wait for a run to end.
func (o Overlap) waiting() int { return max(int(o), 0) }

// String returns the policy as it is written in Go, such as "Queue(3)".
func (o Overlap) String() string {
	switch {
	case o == badOverlap:
		return "invalid"
	case o == SkipOverlap:
		return "SkipOverlap"
	case o == QueueOne:
		return "QueueOne"
	case o == Replace:
		return "Replace"
	case o > 0:
		return fmt.Sprintf("Queue(%d)", int(o))
	default:
		return fmt.Sprintf("Parallel(%d)", -int(o))
	}
}

// Missed decides about slots that could not run when they were due. That is so if
// the job was paused, the machine suspended, the wall clock set forward, the
// process down (see [Config.LastRun]), or so busy that the next slot came first.
// [Config.MissedGrace] bounds how late a run may be made up for. The zero value is
// Coalesce.
type Missed int32

// The policies for missed slots. A positive value is the limit of CatchUp.
const (
	Coalesce   Missed = 0  // one run at once, for the latest missed slot
	SkipMissed Missed = -1 // no run; a slot noticed less than a minute late is not missed yet

	badMissed Missed = math.MinInt32
)

// CatchUp returns a policy that runs each of the latest missed slots, at most
// limit, oldest first. The runs follow one another; under [Parallel] as many run at
// a time as that allows. New and NewTicker return an error if limit is not from 1
// to 1000.
func CatchUp(limit int) Missed {
	if limit < 1 || limit > maxCatchUp {
		return badMissed
	}
	return Missed(limit)
}

const maxCatchUp = 1000

// String returns the policy as it is written in Go, such as "CatchUp(3)".
func (m Missed) String() string {
	switch m {
	case badMissed:
		return "invalid"
	case Coalesce:
		return "Coalesce"
	case SkipMissed:
		return "SkipMissed"
	default:
		return fmt.Sprintf("CatchUp(%d)", int(m))
	}
}
