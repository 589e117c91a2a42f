package periodic_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func TestOnePeriodIsTheFirstTickOfATimerAndTheDefaultIsWithinThePeriod(t *testing.T) {
	first := func(name string, phase time.Duration) (after time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			j, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(30 * time.Second), Phase: phase}, nothing)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			after = time.Until(j.Next())
			stop(t, j)
		})
		return after
	}
	spread := map[time.Duration]bool{}
	for _, name := range []string{"feeds", "mails", "rates"} {
		if after := first(name, periodic.OnePeriod); after != 30*time.Second {
			t.Errorf("%s: OnePeriod is %v after the start", name, after)
		}
		after := first(name, 0)
		if after <= 0 || after > 30*time.Second || after != first(name, 0) {
			t.Errorf("%s is first due %v after the start, or not always", name, after)
		}
		spread[after] = true
	}
	if len(spread) != 3 {
		t.Errorf("three names tick together: %v", spread)
	}
}

func TestARunIsOverdueASecondAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := newRecorder()
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Minute), Timeout: 5 * time.Second, Logger: logger}, func(context.Context) error {
			time.Sleep(10 * time.Second)
			return nil
		})
		pass(time.Minute + 6*time.Second - 1)
		if s := j.Stats(); s.Overdue != 0 || s.OverdueRuns != 0 {
			t.Errorf("before the second is over: %+v", s)
		}
		pass(1)
		if s := j.Stats(); s.Overdue != 1 || s.OverdueRuns != 1 || !strings.Contains(lines.String(), "run ignores its timeout") {
			t.Errorf("after it: %d stuck\n%s", s.Overdue, lines)
		}
	})
}
