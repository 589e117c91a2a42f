package channelq

import "time"

// JobFilter selects jobs of one queue in a store: those for which every field that is set
// holds. The zero value selects all jobs. Like [StoredJob], it is in this package so that
// packages that show queues need no store.
type JobFilter struct {
	// States are words of the store. If empty, jobs of any state are selected.
	States []string

	// ID is the ID of one job. If zero, jobs of any ID are selected.
	ID int64

	// Key is the key by which the queue limits how many jobs run at once. If empty, jobs of
	// any key are selected.
	Key string

	// Error is a part of the text of the last error. Upper and lower case differ. If empty,
	// jobs are selected whether they failed or not.
	Error string

	// Since and Until bound StoredJob.At: Since is the first time that is selected, and
	// Until is the first after it that is not. If zero, there is no bound.
	Since, Until time.Time
}
