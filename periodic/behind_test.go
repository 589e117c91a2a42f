package periodic_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestStatsSayHowManyRunsWaitForOneToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		for _, c := range []struct {
			overlap periodic.Overlap
			behind  []int // after each trigger
		}{
			{periodic.Queue(2), []int{0, 1, 2}},
			{periodic.Parallel(2), []int{0, 0}},
			{periodic.Replace, []int{0, 1, 1}},
		} {
			log := newLog()
			job := add(t, s, periodic.Config{Name: fmt.Sprint(c.overlap), Schedule: periodic.Every(time.Hour), Overlap: c.overlap}, log.run(time.Minute))
			for i, want := range c.behind {
				if err := job.Trigger(); err != nil {
					t.Fatal(err)
				}
				if got := job.Stats().Behind; got != want {
					t.Errorf("%v: trigger %d: %d runs wait for one to end, want %d", c.overlap, i+1, got, want)
				}
				synctest.Wait()
			}
			time.Sleep(10 * time.Minute)
			if got := job.Stats().Behind; got != 0 {
				t.Errorf("%v: all have ended, and %d wait", c.overlap, got)
			}
		}
	})
}

// The order is remembered from one call to the next, and not beyond a job that comes or goes.
func TestJobsAreSortedWhateverComesAndGoes(t *testing.T) {
	s := scheduler(t)
	want := func(names ...string) {
		t.Helper()
		for range 2 {
			var got []string
			jobs := s.Jobs()
			for _, j := range jobs {
				got = append(got, j.Name())
			}
			if !slices.Equal(got, names) {
				t.Errorf("jobs %q, want %q", got, names)
			}
			clear(jobs) // it is the caller's
		}
	}
	one := func(name string) {
		add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Hour)}, newLog().run(0))
	}
	want()
	one("c")
	one("a")
	want("a", "c")
	one("b")
	want("a", "b", "c")
	if err := s.Remove("a"); err != nil {
		t.Fatal(err)
	}
	want("b", "c")

	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for k := range 25 {
				one(fmt.Sprintf("d%d-%02d", i, k))
				s.Jobs()
			}
		})
	}
	all.Wait()
	if n := len(s.Jobs()); n != 102 {
		t.Errorf("%d jobs", n)
	}
}
