package periodic_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/steadgo/stead/periodic"
)

func TestEverythingWorksOnAMockClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mock := clock.NewMock()
		var slots []time.Duration
		zero := mock.Now()
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "s", Clock: mock})
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, periodic.Config{Name: "j", Schedule: periodic.Every(time.Minute), Clock: mock}, func(ctx context.Context) error {
			slots = append(slots, periodic.Scheduled(ctx).Sub(zero))
			return nil
		})
		other, err := periodic.New(periodic.Config{Name: "k", Schedule: periodic.Every(time.Minute), Clock: clock.NewMock()}, nothing)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(other); err == nil {
			t.Error("a job with another clock was added")
		}
		slow := add(t, s, periodic.Config{Name: "slow", Schedule: cron(t, "@hourly", nil), Timeout: time.Minute}, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range 60 {
			mock.Add(time.Minute)
		}
		mock.Add(90 * time.Second)
		synctest.Wait()
		stop(t, s)
		if len(slots) != 61 || slots[0] != time.Minute || slots[60] != 61*time.Minute {
			t.Errorf("%d slots: %v", len(slots), slots)
		}
		if st := slow.Stats(); st.Runs[periodic.TimedOut] != 1 || st.Last.Duration != time.Minute {
			t.Errorf("stats %+v", st)
		}
	})
}

// A year of fake time over both changes of the clocks, with the loop really
// waiting for each slot.
func TestAYearOfNightlyRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		berlin := location(t, "Europe/Berlin")
		l := newLog()
		s := cron(t, "30 2 * * *", berlin)
		j := start(t, periodic.Config{Schedule: s}, l.run(time.Minute))
		pass(366*24*time.Hour + time.Hour)
		if l.count() != 366 {
			t.Errorf("%d nights", l.count())
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, at := range l.began {
			if at != l.slots[i] {
				t.Fatalf("slot %v began at %v", l.slots[i], at)
			}
		}
		if st := j.Stats(); st.Skipped.Total() != 0 {
			t.Errorf("skips %+v", st.Skipped)
		}
	})
}

func TestOnlyOneFileReadsAClockOrMakesATimer(t *testing.T) {
	banned := regexp.MustCompile(`\btime\.(Now|Sleep|After|AfterFunc|NewTimer|NewTicker|Tick|Since|Until)\b|\bcontext\.With(Timeout|Deadline)`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if name == "clock.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := banned.Find(text); found != nil {
			t.Errorf("%s: %s", name, found)
		}
		checked++
	}
	if checked < 10 {
		t.Errorf("only %d files", checked)
	}
}
