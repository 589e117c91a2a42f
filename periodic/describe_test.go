package periodic_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// silent is a schedule of somebody else that does not say what it is.
type silent struct{}

func (silent) Next(after time.Time) time.Time { return after.Add(time.Hour) }

// spoken is one that does.
type spoken struct {
	silent
	say func() string
}

func (s spoken) String() string { return s.say() }

func TestASchedulesTextSaysWhatWasAskedFor(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	noon := time.Date(2026, 4, 3, 12, 0, 0, 0, berlin)
	nightly := cron(t, "  30 2\t* * mon-FRI ", berlin)
	daily := func(opts ...periodic.CronOption) periodic.Schedule {
		s, err := periodic.DailyAt("02:30", nil, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	lunch := calendar.Between(noon, noon.Add(time.Hour))
	minute := periodic.Every(time.Minute)
	for _, tc := range []struct {
		schedule periodic.Schedule
		want     string
	}{
		{periodic.Every(5 * time.Minute), "every 5m0s"},
		{periodic.After(90 * time.Second), "1m30s after each run"},
		{nightly, `cron "30 2 * * mon-FRI" Europe/Berlin`},
		{cron(t, "@daily", nil), `cron "@daily" UTC`},
		{cron(t, "0 3 * * *", time.Local), `cron "0 3 * * *" Local`},
		{cron(t, "30 2 * * *", berlin, periodic.SkipGap, periodic.RepeatBoth), `cron "30 2 * * *" Europe/Berlin, not in gaps, twice when repeated`},
		{cron(t, "0 9 13 * FRI", berlin, periodic.AndDays(), periodic.SkipGap), `cron "0 9 13 * FRI" Europe/Berlin, on days that match both, not in gaps`},
		{cron(t, "0 9 LW-2 * SAT-TUE/2", berlin), `cron "0 9 LW-2 * SAT-TUE/2" Europe/Berlin`},
		{cron(t, "*/5 0-5 * * *", berlin), `cron "*/5 0-5 * * *" Europe/Berlin`}, // twice is what it means
		{cron(t, "*/5 0-5 * * *", berlin, periodic.RepeatBoth), `cron "*/5 0-5 * * *" Europe/Berlin`},
		{cron(t, "*/5 0-5 * * *", berlin, periodic.RepeatOnce), `cron "*/5 0-5 * * *" Europe/Berlin, once when repeated`},
		{cron(t, "*/5 * * * *", berlin, periodic.RepeatOnce, periodic.SkipGap), `cron "*/5 * * * *" Europe/Berlin`}, // no policy applies
		{periodic.MustDailyAt("02:30", berlin, periodic.RepeatOnce), "daily at 02:30 Europe/Berlin"},
		{daily(), "daily at 02:30 UTC"},
		{daily(periodic.SkipGap), "daily at 02:30 UTC, not in gaps"},
		{periodic.At(), "never"},
		{periodic.At(noon), "at 2026-04-03 12:00:00 CEST"},
		{periodic.At(noon.Add(time.Hour), noon), "at 2026-04-03 12:00:00 CEST and 1 later"},
		{periodic.Except(nightly, lunch), `cron "30 2 * * mon-FRI" Europe/Berlin except 1 calendar`},
		{periodic.Except(daily(), lunch, lunch), "daily at 02:30 UTC except 2 calendars"},
		{periodic.Bounded(minute, noon, time.Time{}), "every 1m0s from 2026-04-03 12:00:00 CEST"},
		{periodic.Bounded(minute, time.Time{}, noon), "every 1m0s until 2026-04-03 12:00:00 CEST"},
		{periodic.Union(), "never"},
		{periodic.Union(minute, daily()), "every 1m0s or daily at 02:30 UTC"},
		{periodic.Except(periodic.Union(minute, silent{}), lunch), "(every 1m0s or periodic_test.silent) except 1 calendar"},
		{periodic.Union(minute, minute, minute, minute, minute, minute, minute), "every 1m0s or every 1m0s or every 1m0s or every 1m0s or every 1m0s or 2 more"},
		{periodic.Union(spoken{say: func() string { return "at full moon" }}), "at full moon"},
	} {
		if got := fmt.Sprint(tc.schedule); got != tc.want {
			t.Errorf("%s, want %s", got, tc.want)
		}
	}
}

func TestStatsSayTheScheduleAndFollowAChangeOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour)}, nothing)
		says := func(want string) {
			t.Helper()
			if got := j.Stats().Schedule; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		says("every 1h0m0s")
		for _, next := range []struct {
			schedule periodic.Schedule
			want     string
		}{
			{periodic.After(time.Minute), "1m0s after each run"},
			{silent{}, ""},
			// It may ask its job, so no lock is held, and what it panics on is no panic of Stats.
			{spoken{say: func() string { return j.Name() + " runs next at " + j.Next().UTC().Format(time.TimeOnly) }}, "j runs next at 01:00:00"},
			{spoken{say: func() string { panic("mute") }}, "%!v(PANIC=String method: mute)"},
		} {
			if err := j.SetSchedule(next.schedule); err != nil {
				t.Fatal(err)
			}
			says(next.want)
		}
	})
}
