package filestore_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/filestore"
)

func TestNightsWithoutTheProcessAreMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := filestore.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		var slots []string
		for range 2 { // the process and its successor; a bubble begins on January 1 at midnight
			job, err := periodic.New(periodic.Config{
				Name: "report", Schedule: periodic.MustDailyAt("02:30", time.UTC),
				LastRun: store, Missed: periodic.CatchUp(5),
			}, func(ctx context.Context) error {
				slots = append(slots, periodic.Scheduled(ctx).Format("Jan 2"))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := job.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(12 * time.Hour)
			if err := job.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(60 * time.Hour) // there is no process
		}
		if !slices.Equal(slots, []string{"Jan 1", "Jan 2", "Jan 3", "Jan 4"}) {
			t.Errorf("ran for %v", slots)
		}
	})
}
