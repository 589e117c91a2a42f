package lifecycle

import "time"

// Instance is one of the processes that share some work through a store, as the
// store knows it.
type Instance struct {
	ID    string    // of this run of the process
	Host  string    // the machine's name
	PID   int       // on that machine
	Role  string    // what the process does with the work, such as "insert only"
	Since time.Time // when it began
	Seen  time.Time // when it last said that it lives
	Leads bool      // of all of them it does what only one may do
	Own   bool      // it is the process that asks
}
