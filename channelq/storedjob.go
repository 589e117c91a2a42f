package channelq

import "time"

// StoredJob is an item as a store outside the process knows it: a durable job. Queues
// of this package have none; the type is here so that what shows queues needs to
// know no store.
type StoredJob struct {
	ID          int64
	State       string // in the words of the store
	Item        any    // of the queue's element type; its JSON as a string if it cannot be decoded
	Err         error  // of the last attempt that failed, nil if none did
	Attempts    int    // begun so far
	MaxAttempts int
	At          time.Time // when it is due while it waits (zero: when others have ended), was taken while it runs, and ended afterwards

	// RescueAt is set while it runs for a process that is not there any more: from
	// then on it is freed to be run again.
	RescueAt time.Time

	// What can be done with it now.
	CanCancel, CanRequeue, CanDiscard bool
}
