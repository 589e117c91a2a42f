package periodic

import (
	"fmt"
	"math"
)

// Overlap decides what becomes of a slot that is due, or of a Trigger, while a
// run of the same job is on. The zero value is SkipOverlap.
type Overlap int32

// Positive values are the length of a queue, values below Replace the negated
// number of parallel runs.
const (
	SkipOverlap Overlap = 0  // the slot is skipped and counted
	QueueOne    Overlap = 1  // at most one slot waits for the end of the run
	Replace     Overlap = -1 // the run is cancelled with cause ErrReplaced; when it has returned the new one starts

	badOverlap Overlap = math.MinInt32
)

// Queue lets at most n slots wait for the end of the run; they run one after the
// other, oldest first; further slots are skipped. n is from 1 to 100,000, any
// other is an error of New.
func Queue(n int) Overlap {
	if n < 1 || n > maxCount {
		return badOverlap
	}
	return Overlap(n)
}

// Parallel lets at most n runs be on at a time; further slots are skipped. n is
// from 1 to 100,000, any other is an error of New; Parallel(1) is SkipOverlap.
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

// width is how many runs may be on at a time.
func (o Overlap) width() int {
	if o < Replace {
		return int(-o)
	}
	return 1
}

// waiting is how many slots may wait for a run to end.
func (o Overlap) waiting() int { return max(int(o), 0) }

// String returns the name as it is written in Go, such as "Queue(3)".
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

// Missed decides what becomes of slots that nobody could fire when they were
// due: the job was paused, the machine suspended, the wall clock set forward,
// the process down (see [Config.LastRun]), or so busy that the next slot came
// first. [Config.MissedGrace] bounds how late a run may be made up for. The zero
// value is Coalesce.
type Missed int32

// Positive values are the limit of CatchUp.
const (
	Coalesce   Missed = 0  // one run at once, for the latest missed slot
	SkipMissed Missed = -1 // no run; a slot noticed less than a minute late is not missed yet

	badMissed Missed = math.MinInt32
)

// CatchUp makes a run for each of the latest missed slots, at most limit, oldest
// first and one after the other; under [Parallel] as many at a time as that
// allows. limit is from 1 to 1000, any other is an error of New and NewTicker.
func CatchUp(limit int) Missed {
	if limit < 1 || limit > maxCatchUp {
		return badMissed
	}
	return Missed(limit)
}

const maxCatchUp = 1000

// String returns the name as it is written in Go, such as "CatchUp(3)".
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
