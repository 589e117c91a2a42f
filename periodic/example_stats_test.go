package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/steadgo/stead/periodic"
)

// What the report of a host prints.
func ExampleJob_Counts() {
	tries := 0
	job := once(periodic.Config{Name: "sync", Retry: periodic.Retry{Attempts: 3, Initial: time.Millisecond}}, func(context.Context) error {
		if tries++; tries < 3 {
			return errors.New("connection refused")
		}
		return nil
	})
	fmt.Println(job.Counts())
	// Output: map[failed:2 runs:3 succeeded:1]
}

func ExampleStats() {
	stats := once(periodic.Config{Name: "report"}, func(context.Context) error { return errors.New("no paper") }).Stats()
	fmt.Println(stats.Active, stats.Streak, stats.Last.Err, stats.Next.IsZero())
	// Output: false 1 no paper true
}

func ExampleRun() {
	job := once(periodic.Config{Name: "report"}, func(context.Context) error { panic("out of ink") })
	for _, run := range job.Stats().History {
		fmt.Println(run.Outcome, run.Err, run.Trigger)
	}
	// Output: panicked panic: out of ink false
}

func ExampleOutcome() {
	job := once(periodic.Config{Name: "report"}, func(context.Context) error { return errors.New("no paper") })
	runs := job.Stats().Runs
	for _, o := range slices.Sorted(maps.Keys(runs)) { // one time series each, from the start
		fmt.Println(o, runs[o])
	}
	// Output:
	// succeeded 0
	// failed 1
	// panicked 0
	// timed_out 0
	// canceled 0
}

func ExampleSkips() {
	skips := periodic.Skips{Overlap: 2, Missed: 1}
	fmt.Println(skips.Total())
	// Output: 3
}

func ExampleHistogram() {
	job := once(periodic.Config{Name: "quick"}, func(context.Context) error { return nil })
	h := job.Stats().Duration
	buckets := make(map[float64]uint64) // for prometheus.MustNewConstHistogram
	for i, bound := range h.Bounds {
		buckets[bound.Seconds()] = h.Cumulative[i]
	}
	fmt.Println(h.Count, buckets[3600])
	// Output: 1 1
}
