package durable

import (
	"context"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/lifecycle"
)

// Store is where jobs are kept: what the Open of durable/sqlite and of
// durable/postgres return. TTx is the transaction type of the store.
type Store[TTx any] interface {
	// Driver is the engine's driver for the store.
	Driver() riverdriver.Driver[TTx]

	// Check returns nil if the store answers and is what was opened. The error for one
	// that is not wraps [ErrDamaged].
	Check(ctx context.Context) error

	// Counts counts the jobs there are, by queue and state, in milliseconds however many
	// have ended: of many completed ones it may estimate the number.
	Counts(ctx context.Context) ([]Count, error)

	// Places says where the schedules of [Every] are, and what time it is by the
	// store's clock.
	Places(ctx context.Context) (all []Place, now time.Time, err error)

	// Move replaces a place in the transaction, and reports whether it was still
	// from. One that is not there yet has the Last 0.
	Move(ctx context.Context, tx TTx, from, to Place) (bool, error)

	// Prepare makes what this package keeps beside the engine's tables; it is part
	// of Migrate and does nothing the second time.
	Prepare(ctx context.Context) error

	// Announce notes that the process lives, by the store's clock, and how old its
	// attempts have to be to count as lost when it is not seen any more.
	Announce(ctx context.Context, i lifecycle.Instance, horizon time.Duration) error

	// Leave takes the note of [Announce] back. It may also forget processes whose
	// attempts have all been lost for long.
	Leave(ctx context.Context, id string) error

	// Stuck lists running attempts, by the ID of their jobs, at most limit, from above
	// after on: those that are older than the horizon of the process that made them
	// and that are of self, or of a process that was not seen for a minute, or for its
	// horizon if that is less. horizon is that of processes whose own is not known. All
	// times are by the store's clock. Rows that a transaction holds are left out: what
	// changes the others would wait for it.
	Stuck(ctx context.Context, self string, horizon time.Duration, after int64, limit int) ([]Stuck, error)

	// Instances lists the processes seen in the last minute, the oldest first, and
	// which of them leads.
	Instances(ctx context.Context) ([]lifecycle.Instance, error)
}

// Place is where one schedule is, for all processes together. The times are Unix
// nanoseconds: a slot that is compared has to be exact.
type Place struct {
	Queue, Name string
	Last        int64 // the last slot that is over and done with, or when the schedule began
	Next        int64 // the slot that was to follow; 0: none
}

// Count is how many jobs of one queue are in one state.
type Count struct {
	Queue string
	State string // of the engine: available, running, retryable, scheduled, completed, cancelled, discarded, pending
	N     int
	Due   time.Time // the earliest time at which one of them may start

	Estimate bool // N is near

	// Deserted is how many of those that are running are held by a process that was
	// not seen for a minute, and Since when the first of them was taken.
	Deserted int
	Since    time.Time
}

// nanos is how a place has a time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func unix(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
