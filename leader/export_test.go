package leader

import "time"

// SetNow replaces the clock of an elector before it is used.
func SetNow(e *Elector, now func() time.Time) { e.lease.now = now }
