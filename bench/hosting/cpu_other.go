//go:build !unix

package hosting

import "time"

// CPUTime is not measured here.
func CPUTime() time.Duration { return 0 }
