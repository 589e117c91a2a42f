package lifecycle

import "time"

// Instance is one of the processes that share work through a store, as the store knows
// it.
type Instance struct {
	ID    string    // identifies this run of the process
	Host  string    // name of the machine
	PID   int       // on that machine
	Role  string    // what the process does with the work, such as "enqueue only"
	Since time.Time // when the process began
	Seen  time.Time // when the store last heard from it
	Leads bool      // whether it does what only one of them may do
	Own   bool      // whether it is the calling process

	// Queues are the queues that the process takes work from; nil if that is not known.
	Queues []string

	// Running is what the process has in hand: the oldest 20 of Hand.
	Running []InstanceJob
	Hand    int
}

// InstanceJob is a job that a process has in hand.
type InstanceJob struct {
	Queue string
	ID    int64
	Since time.Time // when the process took it
}
