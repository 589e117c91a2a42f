//go:build unix

package lab

import (
	"syscall"
	"time"
)

// CPUTime returns what the process has used, the collector included. Other programs
// on the machine lengthen it much less than they do the time on the clock.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
