package channelq

import "time"

// JobFilter selects jobs of one queue in a store: those that have all of what it says.
// The zero value selects all. Like [StoredJob] it is here so that what shows queues needs
// to know no store.
type JobFilter struct {
	States []string // in the words of the store; empty: any
	ID     int64    // 0: any
	Key    string   // by which the queue limits how many run at once; empty: any
	Error  string   // is in the text of the last error, in the same case; empty: any

	// Since and Until bound the time that StoredJob.At has. Since is the first that is
	// selected, and Until the first that is not. Zero: no bound.
	Since, Until time.Time
}
