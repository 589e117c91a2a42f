package channelq_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/channelq"
)

// A line of a list of jobs, from what a durable queue's Jobs method returns.
func ExampleStoredJob() {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, k := range []channelq.StoredJob{
		{ID: 7, State: "retryable", Attempts: 2, MaxAttempts: 10, At: noon, Err: errors.New("550 no such mailbox"), CanCancel: true},
		{ID: 8, State: "running", Attempts: 1, MaxAttempts: 10, At: noon, RescueAt: noon.Add(2 * time.Minute)},
	} {
		fmt.Printf("%d %s, attempt %d of %d", k.ID, k.State, k.Attempts, k.MaxAttempts)
		if k.Err != nil {
			fmt.Print(", ", k.Err)
		}
		if !k.RescueAt.IsZero() {
			fmt.Print(", its process is gone, freed at ", k.RescueAt.Format(time.TimeOnly))
		}
		fmt.Println()
	}
	// Output:
	// 7 retryable, attempt 2 of 10, 550 no such mailbox
	// 8 running, attempt 1 of 10, its process is gone, freed at 12:02:00
}
