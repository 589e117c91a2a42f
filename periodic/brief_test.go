package periodic_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestBriefIsStatsWithoutWhatOnlyOneJobIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Minute)}, func(context.Context) error {
			time.Sleep(time.Second)
			if runs++; runs%3 > 0 {
				return errors.New("no paper")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		check := func() {
			t.Helper()
			brief, all := j.Brief(), j.Stats()
			all.Schedule, all.Runs, all.Lateness, all.History = "", nil, periodic.Histogram{}, nil
			if all.Duration.Count == 0 {
				all.Duration = periodic.Histogram{}
			}
			if !reflect.DeepEqual(brief, all) {
				t.Errorf("after %d runs:\n%+v\n%+v", runs, brief, all)
			}
		}
		check()
		if n := testing.AllocsPerRun(10, func() { j.Brief() }); n != 0 {
			t.Errorf("%v allocations", n)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			check()
			time.Sleep(time.Minute)
			synctest.Wait() // the run has begun
			check()
		}
		j.Pause()
		check()
		if err := j.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		check()
		if runs != 4 || j.Brief().Duration.Count != 4 {
			t.Errorf("%d runs, %d observed", runs, j.Brief().Duration.Count)
		}
	})
}

func TestBriefBeginsTheHistoryOfAJobAsStatsDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s"})
		if err != nil {
			t.Fatal(err)
		}
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Minute)}, func(context.Context) error { return nil })
		if err == nil {
			err = s.Add(j)
		}
		if err == nil {
			err = s.Start(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		j.Brief()
		time.Sleep(150 * time.Second)
		if n := len(j.Stats().History); n != 2 {
			t.Errorf("the history has %d runs", n)
		}
		if err := s.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}
