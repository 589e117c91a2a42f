package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// must ends the test if a constructor failed.
func must[T any](made T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	return must(time.LoadLocation(name))(t)
}

func instant(t *testing.T, text string, loc *time.Location) time.Time {
	t.Helper()
	return must(time.ParseInLocation("2006-01-02 15:04", text, loc))(t)
}

// without is the cron schedule without the slots of the calendars.
func without(t *testing.T, expr string, loc *time.Location, calendars ...periodic.Calendar) periodic.Schedule {
	t.Helper()
	return periodic.Except(must(periodic.Cron(expr, loc))(t), calendars...)
}

// wantSlots wants the slots after from to be these, written with the offset from
// UTC where that matters.
func wantSlots(t *testing.T, s periodic.Schedule, from time.Time, want ...string) {
	t.Helper()
	for i, w := range want {
		next := s.Next(from)
		if got := next.Format("2006-01-02 15:04:05 -0700"[:len(w)]); got != w {
			t.Errorf("slot %d after %v is %v, want %s", i, from, next, w)
			return
		}
		from = next
	}
}

func TestSpacesAroundAHolidayDoNotMatter(t *testing.T) {
	holidays := must(calendar.Holidays(nil, strings.Split("12-24, 12-25 ,\t2027-01-01\n", ",")...))(t)
	for _, day := range []time.Time{
		time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if _, excluded := holidays.Excluded(day); !excluded {
			t.Errorf("%s is no holiday", day.Format(time.DateOnly))
		}
	}
	if _, err := calendar.Holidays(nil, "12 - 25"); err == nil {
		t.Error("a space inside a day is accepted")
	}
}

func TestHolidaysAreWholeDaysOnceOrEachYear(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	holidays := must(calendar.Holidays(berlin, "12-25", "12-26", "2027-01-01", "02-29"))(t)
	nine := without(t, "0 9 * * *", berlin, holidays)
	wantSlots(t, nine, instant(t, "2026-12-24 10:00", berlin),
		"2026-12-27", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-02")
	wantSlots(t, nine, instant(t, "2027-12-24 10:00", berlin), "2027-12-27", "2027-12-28", "2027-12-29", "2027-12-30", "2027-12-31", "2028-01-01")
	wantSlots(t, nine, instant(t, "2028-02-28 10:00", berlin), "2028-03-01")
	if none := must(calendar.Holidays(nil))(t); func() bool { _, is := none.Excluded(time.Now()); return is }() {
		t.Error("a calendar without days excludes a day")
	}
}

func TestTheEndOfAnExclusionIsNotExcludedAndItsBeginIs(t *testing.T) {
	at := func(text string) time.Time { return instant(t, text, time.UTC) }
	const hourly = "0 * * * *"
	freeze := calendar.Between(at("2026-01-01 02:00"), at("2026-01-01 05:00"))
	wantSlots(t, without(t, hourly, nil, freeze), at("2026-01-01 00:30"), "2026-01-01 01:00", "2026-01-01 05:00")
	office := must(calendar.WeeklyHours(nil, "09:00", "17:00", time.Thursday, time.Friday))(t)
	wantSlots(t, without(t, hourly, nil, office), at("2026-01-01 07:30"), "2026-01-01 08:00", "2026-01-01 17:00")
	night := must(calendar.WeeklyHours(nil, "22:00", "06:00", time.Thursday))(t)
	wantSlots(t, without(t, hourly, nil, night), at("2026-01-01 20:30"), "2026-01-01 21:00", "2026-01-02 06:00")
	wantSlots(t, without(t, hourly, nil, night, office), at("2026-01-02 06:30"), "2026-01-02 07:00", "2026-01-02 08:00", "2026-01-02 17:00")
	day := must(calendar.WeeklyHours(nil, "00:00", "00:00", time.Thursday))(t)
	wantSlots(t, without(t, hourly, nil, day), at("2025-12-31 22:30"), "2025-12-31 23:00", "2026-01-02 00:00")
}

func TestTheInstantAfterAGapMayBeExcluded(t *testing.T) {
	ny := location(t, "America/New_York") // 02:30 does not exist on 8 March 2026, 03:00 is the first instant after
	early := must(calendar.WeeklyHours(ny, "03:00", "04:00", time.Sunday))(t)
	wantSlots(t, without(t, "30 2 * * *", ny, early), instant(t, "2026-03-07 12:00", ny), "2026-03-09 02:30")
}

func TestClocksThatGoBackOverMidnightShowTheExcludedDayTwice(t *testing.T) {
	stJohns := location(t, "America/St_Johns") // at 00:01 they went back to 23:01
	for name, c := range map[string]periodic.Calendar{
		"day":     must(calendar.Holidays(stJohns, "2010-11-06"))(t),
		"evening": must(calendar.WeeklyHours(stJohns, "18:00", "00:00", time.Saturday))(t),
	} {
		t.Run(name, func(t *testing.T) {
			wantSlots(t, without(t, "0,30 * * * *", stJohns, c), instant(t, "2010-11-06 18:00", stJohns),
				"2010-11-07 00:00:00 -0230", "2010-11-07 00:00:00 -0330", "2010-11-07 00:30:00 -0330")
		})
	}
}

// Except leaps to the end that a calendar names, so that end has to lie ahead, and
// everything before it has to be excluded as well.
func TestTheEndOfAnExclusionLiesAheadAndNothingBeforeItIsFree(t *testing.T) {
	for _, zone := range []string{"UTC", "America/St_Johns", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe"} {
		loc := location(t, zone)
		for name, c := range map[string]periodic.Calendar{
			"days":  must(calendar.Holidays(loc, "2011-12-29", "2011-12-31", "03-13", "11-06", "11-07"))(t),
			"hours": must(calendar.WeeklyHours(loc, "22:30", "03:15", time.Saturday, time.Thursday))(t),
		} {
			begin := instant(t, "2010-10-01 00:00", loc)
			for at := begin; at.Before(begin.AddDate(1, 4, 0)); at = at.Add(17 * time.Minute) {
				until, is := c.Excluded(at)
				if !is {
					continue
				}
				if !until.After(at) {
					t.Fatalf("%s %s: %v is excluded until %v", zone, name, at, until)
				}
				if _, still := c.Excluded(until.Add(-time.Second)); !still {
					t.Fatalf("%s %s: %v is excluded until %v, but not just before that", zone, name, at, until)
				}
			}
		}
	}
}

func TestWhatIsNoDayOrHourIsAnErrorThatSaysWhatIs(t *testing.T) {
	for _, day := range []string{"", "25.12.", "2026-02-30", "02-30", "13-01", strings.Repeat("1", 500)} {
		if _, err := calendar.Holidays(nil, day); err == nil || !strings.Contains(err.Error(), `"12-25"`) || len(err.Error()) > 200 {
			t.Errorf("holiday %q: %v", day, err)
		}
	}
	for _, hour := range []string{"", "9", "9:00", "24:00", "09:00:60"} {
		_, err := calendar.WeeklyHours(nil, hour, "17:00")
		_, also := calendar.WeeklyHours(nil, "09:00", hour)
		if err == nil || also == nil || !strings.Contains(err.Error(), `"06:30"`) {
			t.Errorf("hour %q: %v, %v", hour, err, also)
		}
	}
	if _, err := calendar.WeeklyHours(nil, "09:00", "17:00", -1); err == nil || !strings.Contains(err.Error(), "weekday") {
		t.Errorf("weekday -1: %v", err)
	}
}
