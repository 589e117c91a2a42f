package durable

import (
	"sync/atomic"
	"time"
)

// clock tells the time of the store. Processes on several machines share that one: what
// one writes by it the others read by it.
type clock struct{ ahead atomic.Int64 } // of this process's, nanoseconds

// set takes what the store said between two times of this process. A difference that may
// be no more than the time that the answer took is none.
func (c *clock) set(store, began, ended time.Time) {
	const grain = 2 * time.Millisecond // SQLite knows no less than one
	// Without the monotonic clocks: this one may have been set.
	most, least := store.Sub(began.Round(0))+grain, store.Sub(ended.Round(0))-grain
	switch {
	case least > 0:
		c.ahead.Store(int64(least))
	case most < 0:
		c.ahead.Store(int64(most))
	default:
		c.ahead.Store(0)
	}
}

// differs reports whether it is not this process's.
func (c *clock) differs() bool { return c.ahead.Load() != 0 }

// now is the time by the store's clock.
func (c *clock) now() time.Time { return c.of(time.Now()) }

// of is a time of this process by the store's clock.
func (c *clock) of(local time.Time) time.Time { return local.Add(time.Duration(c.ahead.Load())) }

// local is a time of the store by this process's clock.
func (c *clock) local(store time.Time) time.Time {
	return store.Add(-time.Duration(c.ahead.Load()))
}
