package channelq_test

import (
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
)

// What failed in an hour of the night for want of paper.
func ExampleJobFilter() {
	night := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	f := channelq.JobFilter{
		States: []string{"discarded"}, Error: "no paper",
		Since: night, Until: night.Add(time.Hour),
	}
	fmt.Println(f.States, f.Error, f.Until.Sub(f.Since))
	// Output: [discarded] no paper 1h0m0s
}
