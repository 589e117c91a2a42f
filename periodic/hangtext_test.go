package periodic_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

// locked is a schedule whose methods take turns, as with a mutex.
type locked struct {
	turn  chan struct{}
	delay time.Duration // of its Next, in its turn
}

func (l locked) Next(after time.Time) time.Time {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	time.Sleep(l.delay)
	return after.Add(time.Hour)
}

func (l locked) String() string {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return "locked"
}

func TestTheStateOfAJobIsToldWhileItsScheduleHangsWithALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := periodic.New(periodic.Config{
			Name: "a", Schedule: locked{make(chan struct{}, 1), time.Minute},
		}, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		began := time.Now()
		if st := j.Stats(); st.StuckInNext.IsZero() || time.Since(began) != 0 {
			t.Errorf("after %v: stuck since %v", time.Since(began), st.StuckInNext)
		}
		pass(time.Minute)
		if st := j.Stats(); st.Schedule != "locked" || !st.StuckInNext.IsZero() {
			t.Errorf("%q, stuck since %v", st.Schedule, st.StuckInNext)
		}
		if err := j.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
