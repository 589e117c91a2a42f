package periodic_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestAJobThatRanTakesLittleUntilItIsWatched(t *testing.T) {
	const n = 5000
	synctest.Test(t, func(t *testing.T) {
		each := func() float64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc) / n
		}
		none := each()
		s := populate(t, n, time.Hour, nothing)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		rest := each()
		pass(20 * time.Hour) // more runs than a history has
		ran := each()
		if rest-none > 450 || ran-rest > 250 {
			t.Errorf("a job takes %.0f B at rest and %.0f B more after it ran, want at most 450 and 250", rest-none, ran-rest)
		}
		for _, j := range s.Jobs() {
			j.Stats()
		}
		pass(time.Hour)
		for _, j := range s.Jobs()[:10] {
			st := j.Stats()
			if st.Runs[periodic.Succeeded] != 21 || st.Duration.Count != 2 || len(st.History) != 2 || st.Last.Started != st.History[0].Started {
				t.Errorf("%d runs, %d in the histogram, history %v", st.Runs[periodic.Succeeded], st.Duration.Count, st.History)
			}
		}
		stop(t, s)
	})
}

func TestAHistoryThatIsAskedForIsKeptFromTheFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(t)
		asked := add(t, s, periodic.Config{Name: "asked", Schedule: periodic.Every(time.Second), History: 3}, nothing)
		none := add(t, s, periodic.Config{Name: "none", Schedule: periodic.Every(time.Second), History: -1}, nothing)
		pass(5500 * time.Millisecond)
		if st := asked.Stats(); len(st.History) != 3 || st.Duration.Count != 5 {
			t.Errorf("stats %+v", st)
		}
		if st := none.Stats(); len(st.History) != 0 || st.Duration.Count != 1 {
			t.Errorf("stats %+v", st)
		}
		stop(t, s)
	})
}
