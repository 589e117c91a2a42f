package channelq

import "time"

// HourCounts is how many items of a queue ended in one hour, as a store outside the process
// knows it. Queues of this package have no such store. The type is here so that what shows
// queues needs to know no store.
type HourCounts struct {
	Hour     time.Time // when the hour began, by the store's clock
	Handled  int
	GaveUp   int
	Canceled int
}
