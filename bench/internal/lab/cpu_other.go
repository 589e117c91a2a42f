//go:build !unix

package lab

import "time"

// CPUTime is not measured here.
func CPUTime() time.Duration { return 0 }
