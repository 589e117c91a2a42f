//go:build !unix

package lab

import "time"

// CPUTime returns 0: it is not measured here.
func CPUTime() time.Duration { return 0 }
