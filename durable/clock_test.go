package durable_test

import (
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
)

func TestTheStoresClockIsKnownAsExactlyAsItsAnswerTook(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ended := began.Add(10 * time.Millisecond)
	for store, want := range map[time.Time]time.Duration{
		began: 0, ended: 0, began.Add(-time.Millisecond): 0,
		began.Add(10 * time.Minute):  10*time.Minute - 12*time.Millisecond,
		began.Add(-10 * time.Minute): -10*time.Minute + 2*time.Millisecond,
	} {
		if got := durable.Ahead(store, began, ended); got != want {
			t.Errorf("%v is %v ahead of ours, not %v", store, got, want)
		}
	}
}
