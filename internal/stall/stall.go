// Package stall waits so that a machine that stands still does not use the time up.
package stall

import "time"

// parts are how many waits a wait is. A stall, however long, takes one of them.
const parts = 4

// Receive returns what comes from c, or that c is closed, within d of the time in which the
// machine runs. Who waits and who sends stand still together, so a stall takes a quarter of
// d and not all of it.
func Receive[T any](c <-chan T, d time.Duration) (value T, ok bool) {
	ticker := time.NewTicker(max(1, d/parts))
	defer ticker.Stop()
	for range parts {
		select {
		case value = <-c:
			return value, true
		case <-ticker.C:
		}
	}
	return value, false
}
