//go:build !unix

package hosting

import "time"

// cpuTime is not measured here.
func cpuTime() time.Duration { return 0 }
