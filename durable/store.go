package durable

import (
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// Store is where jobs are stored: what the Open and Wrap functions of durable/sqlite,
// durable/sqlitedb and durable/postgres return. TTx is the type of the store's
// transactions. Only those packages can implement it.
type Store[TTx any] interface{ store.Sealed[TTx] }

// nanos is how a position of a schedule has a time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func unix(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
