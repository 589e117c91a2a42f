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
}
