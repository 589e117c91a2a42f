package channelq

import (
	"encoding/json"
	"time"
)

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

// JobDetail is all that a store knows of one job. A time that has not come or is not known
// is zero. As [StoredJob] it is here so that what shows queues needs to know no store.
type JobDetail struct {
	ID    int64
	Queue string
	State string // in the words of the engine, such as available, running or retryable

	// Item is of the queue's element type. It is the job's JSON, a string, if that does not
	// decode as one. JSON is the item as it is stored.
	Item any
	JSON json.RawMessage
	Meta map[string]string

	Key        string // by which its queue bounds how many run, empty if it has none
	UniqueHash string // of the key of a job that is unique, in hex; the key itself is not stored
	Schedule   string // that made it, empty if none did
	Slot       time.Time

	Priority    int
	Attempt     int // that runs or was the last; 0 means none began
	MaxAttempts int

	EnqueuedAt time.Time
	DueAt      time.Time // zero while the job waits for others to end
	StartedAt  time.Time // of the last attempt
	EndedAt    time.Time // of the job

	// Process is the ID, as in lifecycle.Instance, of the process that took the job last.
	Process string

	// RescueAt is set while the job runs for a process that is not there any more: from
	// then on it is freed to be run again.
	RescueAt time.Time

	// Failures are the attempts that failed, the oldest first.
	Failures []JobFailure

	// What can be done with it now.
	CanCancel, CanRequeue, CanDiscard, CanReschedule bool
}

// JobFailure is an attempt at a stored job that failed.
type JobFailure struct {
	Attempt int
	At      time.Time     // when it ended, by the clock of its process
	Took    time.Duration // 0 if it is not known: a store keeps when the last attempt began
	Err     string
	Stack   string // of a panic; else empty
	Process string // that had the job; empty if it is not known any more
}
