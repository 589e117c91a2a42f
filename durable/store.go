package durable

import (
	"math"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// Store is where jobs are stored: what the Open and Wrap functions of durable/sqlite,
// durable/sqlitedb and durable/postgres return. TTx is the type of the store's
// transactions. Only those packages can implement it.
type Store[TTx any] interface{ store.Sealed[TTx] }

// nanos is how a position of a schedule has a time. One that is too far off for that is the
// last that is not.
func nanos(t time.Time) int64 {
	switch last := time.Unix(0, math.MaxInt64); {
	case t.IsZero():
		return 0
	case t.After(last):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func unix(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
