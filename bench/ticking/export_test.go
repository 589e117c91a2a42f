package ticking

import "time"

// What the tests reach into.
var (
	Watch      = watch
	Percentile = percentile
)

// After is the first slot of a job after t.
func (l *Load) After(i int, t time.Time) time.Time { return l.grid(i).Next(t) }

// OpenAt begins to count at that instant.
func (l *Load) OpenAt(from time.Time) { l.from.Store(from.UnixNano()) }

// Ran says that a job runs now.
func (l *Load) Ran(i int) { l.ran(i) }

// Result is the share of slots that were run, and their lateness.
func (l *Load) Result() (float64, []time.Duration) { return l.result() }

// EachTooLate calls f for every job of a load whose time for the set-up is over.
func (l *Load) EachTooLate(f func(i int) error) error {
	l.deadline = time.Now().Add(-1)
	return l.each(f)
}
