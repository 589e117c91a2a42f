package periodic_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

// lastMonth is a store that remembers a run of 30 days ago.
type lastMonth struct{}

func (lastMonth) LastRun(context.Context, string) (time.Time, error) {
	return time.Now().AddDate(0, 0, -30), nil
}
func (lastMonth) SaveLastRun(context.Context, string, time.Time) error { return nil }

// More slots than an int of 32 bits counts are not fewer than none.
func TestVeryManyMissedSlotsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job, err := periodic.New(periodic.Config{Name: "often", Schedule: periodic.Every(time.Millisecond), LastRun: lastMonth{}},
			func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := job.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := job.Stats().Skipped.Missed; n < math.MaxInt32-1 {
			t.Errorf("missed %d", n)
		}
		if err := job.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
