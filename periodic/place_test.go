package periodic_test

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestAPhaseLongerThanThePeriodIsKeptForTheFirstSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for phase, want := range map[time.Duration][]time.Duration{
			time.Hour:        {60 * time.Minute, 70 * time.Minute, 80 * time.Minute},
			10 * time.Minute: {10 * time.Minute, 20 * time.Minute, 30 * time.Minute},
			time.Second:      {time.Second, 10*time.Minute + time.Second, 20*time.Minute + time.Second},
			95 * time.Minute: {95 * time.Minute, 105 * time.Minute, 115 * time.Minute},
		} {
			l := newLog()
			j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Minute), Phase: phase}, l.run(0))
			if next := j.Next().Sub(l.zero); next != want[0] {
				t.Errorf("phase %v: next is in %v", phase, next)
			}
			pass(want[2] + time.Minute)
			stop(t, j)
			l.want(t, want...)
		}
	})
}

func TestRunAtStartObeysJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delays := map[time.Duration]bool{}
		for _, schedule := range []periodic.Schedule{periodic.Every(time.Hour), periodic.After(time.Hour), cron(t, "0 * * * *", time.UTC)} {
			for _, name := range strings.Fields("a b c d e f") {
				l := newLog()
				j := start(t, periodic.Config{Name: name, Schedule: schedule, RunAtStart: true, Jitter: 10 * time.Second}, l.run(0))
				pass(11 * time.Second)
				stop(t, j)
				if l.count() != 1 || l.slots[0] != 0 || l.began[0] < 0 || l.began[0] > 10*time.Second {
					t.Fatalf("%s: slots %v, began %v", name, l.slots, l.began)
				}
				delays[l.began[0]] = true
			}
		}
		if len(delays) < 15 {
			t.Errorf("18 jobs began at only %d different times", len(delays))
		}
	})
}

func TestRunAtStartWithAStoreRunsWhatIsDueOrNeverRan(t *testing.T) {
	for name, tc := range map[string]struct {
		stored time.Duration // before the start; 0: never ran
		slots  []time.Duration
	}{
		"never ran":            {0, seconds(0, 600)},
		"ran five minutes ago": {5 * time.Minute, seconds(300, 900)},
		"ran an hour ago":      {time.Hour, seconds(0, 600)},
		"ran in the future":    {-time.Hour, seconds(0, 600)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, m := newLog(), new(memory)
				if tc.stored != 0 {
					m.last = l.zero.Add(-tc.stored)
				}
				start(t, periodic.Config{Schedule: periodic.Every(10 * time.Minute), RunAtStart: true, LastRun: m}, l.run(0))
				pass(19 * time.Minute)
				l.want(t, tc.slots...)
			})
		})
	}
}

// A program of its own: in a test, places depend on names alone.
func TestTwoProcessesWithOneNameDoNotCoincide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	program := filepath.Join(t.TempDir(), "spread")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/spread").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := map[string]bool{}
	for range 3 {
		out, err := exec.CommandContext(t.Context(), program).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range strings.Fields(string(out)) {
			if seen[place] {
				t.Errorf("%s is a place of two processes", place)
			}
			seen[place] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("places %v", seen)
	}
}

func TestAPlaceIsThatOfNameHostAndProcess(t *testing.T) {
	places := map[uint64]string{}
	for _, name := range strings.Fields("warm clean poll") {
		if periodic.PlaceIn(name, "") != periodic.PlaceOf(name) {
			t.Error("in a test, the place is not that of the name")
		}
		for _, process := range strings.Fields("web-0/1 web-1/1 web-2/1 web-2/2") {
			place := periodic.PlaceIn(name, process)
			if place != periodic.PlaceIn(name, process) || places[place] != "" {
				t.Errorf("%s in %s: the place is also that of %s", name, process, places[place])
			}
			places[place] = name + " in " + process
		}
	}
}
