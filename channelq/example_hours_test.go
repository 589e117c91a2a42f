package channelq_test

import (
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
)

// The hours of a day, from what a durable queue's History method returns.
func ExampleHourCounts() {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, h := range []channelq.HourCounts{
		{Hour: noon, Handled: 1200, GaveUp: 3},
		{Hour: noon.Add(time.Hour), Handled: 800, Canceled: 1},
	} {
		fmt.Printf("%s: %d handled, %d not\n", h.Hour.Format("15:04"), h.Handled, h.GaveUp+h.Canceled)
	}
	// Output:
	// 12:00: 1200 handled, 3 not
	// 13:00: 800 handled, 1 not
}
