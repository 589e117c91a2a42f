package periodic_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// byTurns returns by run what the name of the outcome says, from the first on.
func byTurns(outcomes ...periodic.Outcome) func(context.Context) error {
	n := -1
	return func(ctx context.Context) error {
		n++
		switch outcomes[min(n, len(outcomes)-1)] {
		case periodic.Failed:
			return errors.New("no paper")
		case periodic.Panicked:
			panic("out of ink")
		case periodic.TimedOut, periodic.Canceled:
			<-ctx.Done()
			return ctx.Err()
		case periodic.Succeeded:
		}
		return nil
	}
}

func TestTheReportOfAHostSaysWhatBecameOfTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(10 * time.Second), Phase: -1},
			byTurns(periodic.Succeeded, periodic.Failed, periodic.Panicked, periodic.Succeeded, periodic.Canceled))
		if err != nil {
			t.Fatal(err)
		}
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "feeds"})
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, periodic.Config{Name: "news", Schedule: periodic.Every(20 * time.Second), Phase: -1}, nothing)
		add(t, s, periodic.Config{Name: "sport", Schedule: periodic.Every(30 * time.Second), Phase: -1, Timeout: time.Second}, byTurns(periodic.TimedOut))
		idle, err := periodic.New(periodic.Config{Name: "yearly", Schedule: cron(t, "@yearly", nil)}, nothing)
		if err != nil {
			t.Fatal(err)
		}
		host := hosted.New(hosted.Config{Name: "paper"})
		host.Add("report", job)
		host.Add("feeds", s)
		host.Add("yearly", idle)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(75 * time.Second) // the fifth run of the report is on since 50, and was for the slots at 60 and 70
		if err := host.Stop(within(t, 10*time.Second)); err != nil {
			t.Error(err)
		}
		r := host.Report()
		items := map[string]map[string]uint64{}
		for _, s := range r.Services {
			items[s.Name] = s.Items
		}
		for name, want := range map[string]map[string]uint64{
			"report": {"runs": 5, "succeeded": 2, "failed": 1, "panicked": 1, "canceled": 1, "skipped": 2},
			"feeds":  {"runs": 5, "succeeded": 3, "timed_out": 2},
			"yearly": {"runs": 0},
		} {
			if !maps.Equal(items[name], want) {
				t.Errorf("%s: %v, want %v", name, items[name], want)
			}
		}
		if text := r.String(); !strings.Contains(text, "runs of report: total 5 canceled 1 failed 1 panicked 1 succeeded 2 skipped 2\n") {
			t.Errorf("report:\n%s", text)
		}
	})
}

func TestARunThatOutlivesTheStopIsStillOnInTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		})
		pass(1500 * time.Millisecond)
		if err := j.Stop(within(t, time.Second)); err == nil {
			t.Error("Stop knows nothing of the straggler")
		}
		if got, want := j.Counts(), map[string]uint64{"runs": 1, "running": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		pass(time.Hour)
		if got, want := j.Counts(), map[string]uint64{"runs": 1, "succeeded": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// A host whose policy is to ignore a job that gave up still stops what is left of
// it, also when a Trigger revived the job meanwhile.
func TestAHostStopsAJobThatGaveUpAndWasRevived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second), Phase: -1, GiveUpAfter: 1},
			byTurns(periodic.Failed, periodic.Succeeded))
		if err != nil {
			t.Fatal(err)
		}
		host := hosted.New(hosted.Config{})
		host.Add("j", j, hosted.OnFailure(hosted.Ignore()))
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		if err := j.Health(t.Context()); !errors.Is(err, periodic.ErrGaveUp) {
			t.Errorf("health %v", err)
		}
		if err := j.Trigger(); err != nil {
			t.Error(err)
		}
		pass(2500 * time.Millisecond)
		_ = host.Stop(within(t, time.Minute))
		runs := j.Counts()["runs"]
		pass(time.Minute)
		if after := j.Counts()["runs"]; after != runs || runs != 4 {
			t.Errorf("%d runs, %d a minute after the stop", runs, after)
		}
	})
}
