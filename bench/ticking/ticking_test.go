package ticking_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/bench/internal/lab"
	"github.com/steadgo/stead/bench/ticking"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A contender that runs nothing, or leaves something running, would look cheap.
// Watch fails if goroutines are left. It counts those of the process: one after the other.
func TestEveryContenderRunsItsJobsAndEndsThem(t *testing.T) {
	if testing.Short() {
		t.Skip("a second for each contender")
	}
	for _, c := range ticking.Contenders() {
		t.Run(c.Name, func(t *testing.T) {
			l := ticking.NewLoad(20, 200*time.Millisecond, ticking.Spread, 100*time.Millisecond, 3)
			w, err := ticking.Watch(c, l)
			if err != nil {
				t.Fatal(err)
			}
			if w.Share == 0 || w.Share > 1 || w.CPU < 0 || w.P99 < w.P50 {
				t.Errorf("%+v", w)
			}
		})
	}
}

func TestSlotsLieEvenlyOrTogetherAndAPeriodApart(t *testing.T) {
	for mode, apart := range map[ticking.Mode]time.Duration{ticking.Spread: 100 * time.Millisecond, ticking.Burst: 0} {
		l := ticking.NewLoad(10, time.Second, mode, time.Second, 1)
		for _, t0 := range []time.Time{time.Now(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
			slot := l.After(0, t0)
			if !slot.After(t0) || slot.Sub(t0) > time.Second {
				t.Errorf("mode %d: the slot after %v is %v", mode, t0, slot)
			}
			if next := l.After(0, slot); next.Sub(slot) != time.Second {
				t.Errorf("mode %d: %v after the slot before", mode, next.Sub(slot))
			}
			if other := l.After(1, slot.Add(-1)); other.Sub(slot) != apart {
				t.Errorf("mode %d: the next job is %v later, want %v", mode, other.Sub(slot), apart)
			}
		}
	}
}

func TestASlotCountsOnceWithTheLatenessOfItsFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ticking.NewLoad(2, time.Second, ticking.Burst, time.Second, 2)
		first := l.After(0, time.Now())
		l.Ran(0) // nothing counts yet
		l.OpenAt(first.Add(-50 * time.Millisecond))
		time.Sleep(time.Until(first) - time.Millisecond)
		l.Ran(0) // a timer may be early by as much
		time.Sleep(501 * time.Millisecond)
		l.Ran(0) // twice for one slot
		l.Ran(1) // late
		time.Sleep(time.Second)
		l.Ran(1)
		time.Sleep(time.Second)
		l.Ran(0) // after the last slot that counts
		share, late := l.Result()
		if want := []time.Duration{0, 500 * time.Millisecond, 500 * time.Millisecond}; share != 0.75 || !slices.Equal(late, want) {
			t.Errorf("share %v, lateness %v, want 0.75 and %v", share, late, want)
		}
	})
}

func TestASetUpThatTakesTooLongIsGivenUp(t *testing.T) {
	l := ticking.NewLoad(1000, time.Second, ticking.Spread, time.Second, 1)
	calls := 0
	err := l.EachTooLate(func(int) error { calls++; return nil })
	if !errors.Is(err, ticking.ErrTooSlow) || calls != 0 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestPercentileIsTheSmallestThatCoversTheShare(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := ticking.Percentile(all, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if got := ticking.Percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// series is a contender whose only round had these figures in both modes.
func series(name string, n int, cpu, share, bytes float64) ticking.Series {
	w := ticking.Window{CPU: cpu, Share: share, Missed: (1 - share) * float64(n), P99: 4}
	return ticking.Series{Contender: name, Jobs: n, Samples: []ticking.Sample{{SetUpMS: 50, Bytes: bytes, Goroutines: 1, Spread: w, Burst: w}}}
}

func missed(all []ticking.Series) (names []string) {
	for _, m := range lab.Missed(ticking.Targets(all, nil)) {
		names = append(names, m.Name)
	}
	return names
}

func TestTargetsAreMissedByWhatIsTooMuchAndByWhatWasNotMeasured(t *testing.T) {
	good := []ticking.Series{series("stead-no-history", 10_000, 8, 1, 400), series("stead", 10_000, 9, 1, 400), series("robfig-cron", 10_000, 12, 1, 200)}
	if got := missed(good); got != nil {
		t.Errorf("missed %v", got)
	}
	bad := []ticking.Series{series("stead-no-history", 10_000, 11, 0.5, 500), series("stead", 10_000, 11, 1, 400), series("robfig-cron", 10_000, 10, 1, 200)}
	for _, part := range []string{"bytes per job", "slots of stead-no-history", "CPU of stead to robfig-cron", "CPU in %"} {
		if !strings.Contains(strings.Join(missed(bad), "\n"), part) {
			t.Errorf("%q is not missed: %v", part, missed(bad))
		}
	}
	if got := missed([]ticking.Series{series("robfig-cron", 1000, 10, 1, 200)}); len(got) == 0 {
		t.Error("what was not measured is not missed")
	}
}

func TestALibraryThatDoesNotRunTheJobsIsNoRival(t *testing.T) {
	all := []ticking.Series{series("stead-no-history", 1000, 8, 1, 400), series("stead", 1000, 9, 1, 400),
		series("go-quartz", 1000, 1, 0.2, 200), series("goroutine-ticker", 1000, 2, 1, 2000)}
	if got := missed(all); got != nil {
		t.Errorf("missed %v", got)
	}
}

func TestWhatIsMeasuredLaterReplacesTheSameAndIsJudgedWithTheRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results", "ticking.json")
	first := ticking.Results{Series: []ticking.Series{series("stead", 1000, 99, 1, 400), series("robfig-cron", 1000, 50, 1, 200)}}
	if err := lab.Save(path, first); err != nil {
		t.Fatal(err)
	}
	read, err := ticking.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	both := read.Add(ticking.Results{Window: 3, Series: []ticking.Series{series("stead", 1000, 9, 1, 400), series("stead-no-history", 1000, 8, 1, 400)}})
	var names []string
	for _, s := range both.Series {
		names = append(names, s.Contender)
	}
	if want := []string{"stead-no-history", "stead", "robfig-cron"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if got := both.Series[1].Samples[0].Spread.CPU; got != 9 || both.Window != 3 {
		t.Errorf("CPU %v of window %d, want the later ones, 9 and 3", got, both.Window)
	}
	if got := lab.Missed(both.Targets); len(got) != 0 || len(both.Targets) == 0 {
		t.Errorf("missed %v of %d", got, len(both.Targets))
	}
}
