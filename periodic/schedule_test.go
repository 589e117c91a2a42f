package periodic_test

import (
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

func cron(t testing.TB, expr string, loc *time.Location, opts ...periodic.CronOption) periodic.Schedule {
	t.Helper()
	s, err := periodic.Cron(expr, loc, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instant(t testing.TB, text string, loc *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, loc)
	if err != nil {
		at, err = time.ParseInLocation("2006-01-02 15:04", text, loc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// nexts wants the slots after from to be these, written with the offset from UTC
// where that matters.
func nexts(t *testing.T, s periodic.Schedule, from time.Time, want ...string) {
	t.Helper()
	for i, w := range want {
		next := s.Next(from)
		layout := "2006-01-02 15:04:05 -0700"[:len(w)]
		if !next.After(from) || next.Format(layout) != w {
			t.Errorf("slot %d after %v is %v, want %s", i, from, next, w)
			return
		}
		from = next
	}
}

func TestCronDates(t *testing.T) {
	utc := time.UTC
	for _, tc := range []struct {
		expr, from string
		want       []string
	}{
		{"0 0 29 2 *", "2096-03-01 00:00", []string{"2104-02-29 00:00"}},
		{"0 0 29 2 *", "2026-01-01 00:00", []string{"2028-02-29", "2032-02-29"}},
		{"0 0 31W * *", "2026-01-01 00:00", []string{"2026-01-30", "2026-03-31", "2026-05-29"}},
		{"0 0 1W * *", "2026-07-15 00:00", []string{"2026-08-03", "2026-09-01"}}, // 1 August is a Saturday
		{"0 0 LW * *", "2026-01-01 00:00", []string{"2026-01-30", "2026-02-27", "2026-03-31"}},
		{"0 0 L * *", "2028-02-01 00:00", []string{"2028-02-29", "2028-03-31"}},
		{"0 0 L-2 * *", "2026-02-01 00:00", []string{"2026-02-26", "2026-03-29"}},
		{"0 0 * * 5#5", "2026-01-01 00:00", []string{"2026-01-30", "2026-05-29", "2026-07-31"}},
		{"0 0 * * FRI#3", "2026-01-01 00:00", []string{"2026-01-16", "2026-02-20"}},
		{"0 0 * * 5L", "2026-01-01 00:00", []string{"2026-01-30", "2026-02-27"}},
		{"0 0 * * friL", "2026-01-01 00:00", []string{"2026-01-30", "2026-02-27"}},
		{"0 0 * 2 1#5", "2030-01-01 00:00", []string{"2044-02-29"}},
		{"0 0 13 * 5", "2026-01-01 00:00", []string{"2026-01-02", "2026-01-09", "2026-01-13"}},   // either
		{"0 0 */2 * MON", "2026-01-01 00:00", []string{"2026-01-05", "2026-01-19"}},              // both: a star
		{"0 0 13 * */5", "2026-01-01 00:00", []string{"2026-02-13", "2026-03-13", "2026-09-13"}}, // both
		{"0 0 * * 7", "2026-01-01 00:00", []string{"2026-01-04"}},
		{"0 0 * * FRI-MON", "2026-01-01 00:00", []string{"2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-09"}},
		{"15 30 4 1 jan ?", "2026-01-01 05:00", []string{"2027-01-01 04:30:15"}},
		{"  5\t4 * * *  ", "2026-01-01 00:00", []string{"2026-01-01 04:05"}},
		{"00 09 08 07 *", "2026-01-01 00:00", []string{"2026-07-08 09:00"}}, // leading zeros are decimal
		{"@yearly", "2026-01-01 00:00", []string{"2027-01-01 00:00"}},
		{"@Annually", "2026-01-01 00:00", []string{"2027-01-01 00:00"}},
		{"@monthly", "2026-01-01 00:00", []string{"2026-02-01 00:00"}},
		{"@weekly", "2026-01-01 00:00", []string{"2026-01-04 00:00"}},
		{"@daily", "2026-01-01 00:00", []string{"2026-01-02 00:00"}},
		{"@midnight", "2026-01-01 00:00", []string{"2026-01-02 00:00"}},
		{"@hourly", "2026-01-01 00:00", []string{"2026-01-01 01:00"}},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			nexts(t, cron(t, tc.expr, utc), instant(t, tc.from, utc), tc.want...)
		})
	}
}

func TestCronRefusesWhatWouldSurprise(t *testing.T) {
	for _, expr := range []string{
		"", " ", "*", "* * * *", "* * * * * * *", ",, * * * *", "1, * * * *", ",1 * * * *", "1,,2 * * * *",
		"TZ=UTC", "TZ=", "TZ=UTC 0 0 * * *", "CRON_TZ=UTC 0 0 * * *", "CRON_TZ=", "TZ=Nowhere/Here 0 0 * * *",
		"0 0 31 2 *", "0 0 30 2 *", "0 0 31W 2,4 *", "0 0 L-30 2 *",
		"5-1 * * * *", "* 22-2 * * *", "* * 30-2 * *", "* * * NOV-FEB *", "* * * * 5-1",
		"60 * * * *", "60/2 * * * *", "61/2 * * * * *", "759/13 * * * * *", "7-61/2 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8", "-1 * * * *",
		"*/0 * * * *", "*/-1 * * * *", "*/99999999999999999999 * * * *", "a * * * *", "H * * * *", "1-2-3 * * * *", "*/2/3 * * * *",
		"@every 5m", "@every 0s", "@EVERY -1s", "@reboot", "@manual", "@triggered", "@none", "@", "@daily 1",
		"0 0 * * FRI#6", "0 0 * * FRI#0", "0 0 * * #1", "0 0 * * FRI#", "0 0 * * L", "0 0 W * *", "0 0 32W * *",
		"０ 0 * * *", "0 0 * * *\x00", "0 0\n* * \x7f", strings.Repeat("1,", 1024) + "1 * * * *", strings.Repeat("*", 2048),
	} {
		s, err := periodic.Cron(expr, time.UTC)
		if err == nil {
			t.Errorf("%q was accepted; next %v", expr, s.Next(time.Now()))
			continue
		}
		if msg := err.Error(); !strings.HasPrefix(msg, "stead/periodic: cron ") || len(msg) > 400 {
			t.Errorf("message %q", msg)
		}
	}
	if _, err := periodic.Cron("* * * * *", nil, periodic.Gap(9)); err == nil {
		t.Error("an unknown policy was accepted")
	}
	if _, err := periodic.Cron("* * * * *", nil, nil); err != nil {
		t.Errorf("a nil option: %v", err)
	}
}

func TestFixedTimesOverAGap(t *testing.T) {
	ny := location(t, "America/New_York")
	eve := instant(t, "2026-03-07 12:00", ny)
	nexts(t, cron(t, "30 2 * * *", ny), eve, "2026-03-08 03:00:00 -0400", "2026-03-09 02:30:00 -0400")
	nexts(t, cron(t, "30 2 * * *", ny, periodic.Gap(periodic.SkipGap)), eve, "2026-03-09 02:30", "2026-03-10 02:30")
	nexts(t, cron(t, "15,45 2 * * *", ny), eve, "2026-03-08 03:00", "2026-03-09 02:15", "2026-03-09 02:45")
	nexts(t, cron(t, "30 2,3 * * *", ny), eve, "2026-03-08 03:00", "2026-03-08 03:30", "2026-03-09 02:30", "2026-03-09 03:30")
	nexts(t, cron(t, "0 3 * * *", ny), eve, "2026-03-08 03:00", "2026-03-09 03:00")
}

func TestFixedTimesOverARepeat(t *testing.T) {
	ny := location(t, "America/New_York")
	eve := instant(t, "2026-10-31 12:00", ny)
	nexts(t, cron(t, "30 1 * * *", ny), eve, "2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500")
	nexts(t, cron(t, "30 1 * * *", ny, periodic.Repeat(periodic.RepeatBoth)), eve,
		"2026-11-01 01:30:00 -0400", "2026-11-01 01:30:00 -0500", "2026-11-02 01:30:00 -0500")
	nexts(t, cron(t, "0,30 1 * * *", ny), eve, "2026-11-01 01:00:00 -0400", "2026-11-01 01:30:00 -0400", "2026-11-02 01:00")
	nexts(t, cron(t, "0 * * * *", ny), instant(t, "2026-11-01 00:30", ny),
		"2026-11-01 01:00:00 -0400", "2026-11-01 01:00:00 -0500", "2026-11-01 02:00:00 -0500")
	nexts(t, cron(t, "*/20 * * * *", ny), instant(t, "2026-11-01 00:50", ny), "2026-11-01 01:00:00 -0400", "2026-11-01 01:20:00 -0400",
		"2026-11-01 01:40:00 -0400", "2026-11-01 01:00:00 -0500", "2026-11-01 01:20:00 -0500")
}

func TestMidnightThatDoesNotExistIsNotTheEnd(t *testing.T) {
	for zone, gap := range map[string]string{
		"America/Havana": "2026-03-08", "America/Santiago": "2026-09-06", "America/Sao_Paulo": "2018-11-04",
		"Asia/Beirut": "2026-03-29", "Africa/Cairo": "2026-04-24",
	} {
		loc := location(t, zone)
		s, err := periodic.DailyAt("00:00", loc)
		if err != nil {
			t.Fatal(err)
		}
		day := instant(t, gap+" 12:00", loc)
		eve, after := day.AddDate(0, 0, -1).Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)
		nexts(t, s, day.AddDate(0, 0, -2), eve+" 00:00", gap+" 01:00", after+" 00:00")
	}
	santiago := location(t, "America/Santiago")
	s, err := periodic.WeeklyAt(time.Sunday, "00:00", santiago)
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, s, instant(t, "2026-09-05 23:59:59", santiago), "2026-09-06 01:00", "2026-09-13 00:00")
}

func TestADayThatDoesNotExist(t *testing.T) {
	apia := location(t, "Pacific/Apia") // went over the date line and had no 30 December
	eve := instant(t, "2011-12-29 12:30", apia)
	nexts(t, cron(t, "0 12 * * *", apia), eve, "2011-12-31 00:00", "2011-12-31 12:00")
	nexts(t, cron(t, "0 0 * * *", apia), eve, "2011-12-31 00:00", "2012-01-01 00:00")
}

func TestTimesOfDay(t *testing.T) {
	from := instant(t, "2026-01-30 07:00", time.UTC)
	must := func(s periodic.Schedule, err error) periodic.Schedule {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	nexts(t, must(periodic.DailyAt("06:30:15", nil)), from, "2026-01-31 06:30:15", "2026-02-01 06:30:15")
	nexts(t, must(periodic.WeeklyAt(time.Monday, "06:30", nil)), from, "2026-02-02 06:30", "2026-02-09 06:30")
	nexts(t, must(periodic.MonthlyAt(31, "06:30", nil)), from, "2026-01-31 06:30", "2026-03-31 06:30")
	nexts(t, must(periodic.MonthlyAt(-1, "06:30", nil)), from, "2026-01-31 06:30", "2026-02-28 06:30")
	nexts(t, must(periodic.MonthlyAt(-3, "06:30", nil)), from, "2026-02-26 06:30", "2026-03-29 06:30")
	for _, at := range []string{"", "6:30", "24:00", "06:60", "06:30:60", "noon", "06:30 ", "06:30:15.5"} {
		if _, err := periodic.DailyAt(at, nil); err == nil {
			t.Errorf("time of day %q was accepted", at)
		}
	}
	for _, day := range []int{0, 32, -32} {
		if _, err := periodic.MonthlyAt(day, "06:30", nil); err == nil {
			t.Errorf("day %d was accepted", day)
		}
	}
	if _, err := periodic.WeeklyAt(7, "06:30", nil); err == nil {
		t.Error("weekday 7 was accepted")
	}
}

func TestPeriodsThatMakeNoSenseAreErrors(t *testing.T) {
	deep := func(s periodic.Schedule) periodic.Schedule {
		return periodic.Bounded(periodic.Except(periodic.Union(s)), time.Time{}, time.Time{})
	}
	daily := cron(t, "@daily", nil)
	for name, s := range map[string]periodic.Schedule{
		"nil": nil, "zero": periodic.Every(0), "negative": periodic.Every(-time.Second), "1 ns": periodic.Every(1),
		"291 years": periodic.Every(291 * 365 * 24 * time.Hour), "delay of zero": periodic.After(0),
		"nested zero": deep(periodic.Every(0)), "nested nil": deep(nil), "nested After": deep(periodic.After(time.Second)),
		"nil calendar": periodic.Except(daily, nil),
	} {
		if _, err := periodic.New(periodic.Config{Name: "j", Schedule: s}, nothing); err == nil || !strings.Contains(err.Error(), "Schedule") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if next := periodic.Every(0).Next(time.Now()); !next.IsZero() {
		t.Errorf("Every(0) is due at %v", next)
	}
	if next := periodic.Every(time.Hour).Next(time.Time{}); !next.IsZero() {
		t.Errorf("the year 1 has a slot after it: %v", next)
	}
	if _, err := periodic.New(periodic.Config{Name: "j", Schedule: deep(periodic.Every(time.Hour))}, nothing); err != nil {
		t.Errorf("nested Every: %v", err)
	}
}

func TestUnionsBoundsAndLists(t *testing.T) {
	at := func(text string) time.Time { return instant(t, text, time.UTC) }
	from := at("2026-01-01 00:00")
	six, noon := cron(t, "0 6 * * *", nil), cron(t, "0 6,12 * * *", nil)
	nexts(t, periodic.Union(six, noon), from, "2026-01-01 06:00", "2026-01-01 12:00", "2026-01-02 06:00")
	b := periodic.Bounded(six, at("2026-01-03 06:00"), at("2026-01-05 06:00"))
	nexts(t, b, from, "2026-01-03 06:00", "2026-01-04 06:00")
	if next := b.Next(at("2026-01-04 06:00")); !next.IsZero() {
		t.Errorf("slot %v at the end of its bounds", next)
	}
	l := periodic.At(at("2026-02-01 00:00"), at("2026-01-01 00:00"), at("2026-02-01 00:00"))
	nexts(t, l, from.Add(-1), "2026-01-01 00:00", "2026-02-01 00:00")
	if next := l.Next(at("2026-02-01 00:00")); !next.IsZero() {
		t.Errorf("slot %v after the last", next)
	}
	if next := periodic.Union().Next(from); !next.IsZero() {
		t.Errorf("an empty union is due at %v", next)
	}
	nexts(t, periodic.Every(7*time.Hour), from, "2026-01-01 07:00", "2026-01-01 14:00") // from the Unix epoch
}

func TestExclusions(t *testing.T) {
	berlin, ny := location(t, "Europe/Berlin"), location(t, "America/New_York")
	holidays, err := periodic.Holidays(berlin, "12-25", "12-26", "2027-01-01", "02-29")
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, periodic.Except(cron(t, "0 9 * * *", berlin), holidays), instant(t, "2026-12-24 10:00", berlin),
		"2026-12-27", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-02")
	nexts(t, periodic.Except(cron(t, "0 9 * * *", berlin), holidays), instant(t, "2028-02-28 10:00", berlin), "2028-03-01")

	// Half-open: the end of an exclusion is not excluded, its begin is.
	at := func(text string) time.Time { return instant(t, text, time.UTC) }
	hourly := cron(t, "0 * * * *", nil)
	nexts(t, periodic.Except(hourly, periodic.Between(at("2026-01-01 02:00"), at("2026-01-01 05:00"))), at("2026-01-01 00:30"),
		"2026-01-01 01:00", "2026-01-01 05:00")
	office, err := periodic.WeeklyHours(nil, "09:00", "17:00", time.Thursday, time.Friday)
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, periodic.Except(hourly, office), at("2026-01-01 07:30"), "2026-01-01 08:00", "2026-01-01 17:00")
	night, err := periodic.WeeklyHours(nil, "22:00", "06:00", time.Thursday)
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, periodic.Except(hourly, night), at("2026-01-01 20:30"), "2026-01-01 21:00", "2026-01-02 06:00")
	nexts(t, periodic.Except(hourly, night, office), at("2026-01-02 06:30"), "2026-01-02 07:00", "2026-01-02 08:00", "2026-01-02 17:00")
	all, err := periodic.WeeklyHours(nil, "00:00", "00:00", time.Thursday)
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, periodic.Except(hourly, all), at("2025-12-31 22:30"), "2025-12-31 23:00", "2026-01-02 00:00")

	// The first instant after a gap is 03:00, and excluded.
	early, err := periodic.WeeklyHours(ny, "03:00", "04:00", time.Sunday)
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, periodic.Except(cron(t, "30 2 * * *", ny), early), instant(t, "2026-03-07 12:00", ny), "2026-03-09 02:30")

	// Clocks that go back over midnight, at 00:01, show the excluded day twice.
	stJohns := location(t, "America/St_Johns")
	sixth, err := periodic.Holidays(stJohns, "2010-11-06")
	if err != nil {
		t.Fatal(err)
	}
	evening, err := periodic.WeeklyHours(stJohns, "18:00", "00:00", time.Saturday)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []periodic.Calendar{sixth, evening} {
		nexts(t, periodic.Except(cron(t, "0,30 * * * *", stJohns), c), instant(t, "2010-11-06 18:00", stJohns),
			"2010-11-07 00:00:00 -0230", "2010-11-07 00:00:00 -0330", "2010-11-07 00:30:00 -0330")
	}

	for _, day := range []string{"", "25.12.", "2026-02-30", "02-30", "13-01"} {
		if _, err := periodic.Holidays(nil, day); err == nil {
			t.Errorf("holiday %q was accepted", day)
		}
	}
	if _, err := periodic.WeeklyHours(nil, "9", "17:00"); err == nil {
		t.Error("hour 9 was accepted")
	}
	if _, err := periodic.WeeklyHours(nil, "09:00", "17:00", -1); err == nil {
		t.Error("weekday -1 was accepted")
	}
}

// everything excludes all there is, in steps of one slot.
type everything struct{ asked int }

func (e *everything) Excluded(t time.Time) (time.Time, bool) {
	e.asked++
	return t, true
}

func TestExclusionOfEverySlotEnds(t *testing.T) {
	from := instant(t, "2026-01-01 00:00", time.UTC)
	daily := cron(t, "@daily", nil)
	if next := periodic.Except(daily, periodic.Between(from, from.AddDate(50, 0, 0))).Next(from); next.Year() != 2076 {
		t.Errorf("one long exclusion ends at %v", next)
	}
	var days []string
	for day := from; day.Year() < 2032; day = day.AddDate(0, 0, 1) {
		days = append(days, day.Format(time.DateOnly))
	}
	holidays, err := periodic.Holidays(nil, days...)
	if err != nil {
		t.Fatal(err)
	}
	if next := periodic.Except(daily, holidays).Next(from); !next.IsZero() {
		t.Errorf("slot %v after five years of holidays", next)
	}
	for _, s := range []periodic.Schedule{daily, cron(t, "* * * * * *", nil), cron(t, "0 0 29 2 *", nil)} {
		e := new(everything)
		if next := periodic.Except(s, e).Next(from); !next.IsZero() || e.asked > 20_000 {
			t.Errorf("slot %v after %d questions", next, e.asked)
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, p := range patterns {
		f.Add(p.expr)
	}
	for _, expr := range []string{"TZ=UTC", ",,", "1,", "5-1 * * * *", "0 0 * * 5L", "0 0 L-3,15W * FRI#2,MON#L", "@every 1s", "*/61 * * * *", "? ? ? ? ?"} {
		f.Add(expr)
	}
	berlin := location(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := periodic.Cron(expr, berlin)
		if err != nil {
			return
		}
		for _, from := range []time.Time{instant(t, "2026-03-28 00:00", berlin), instant(t, "2026-10-24 00:00", berlin), instant(t, "2099-12-31 23:59", berlin)} {
			for range 5 {
				next := s.Next(from)
				if !next.After(from) || next.Nanosecond() != 0 {
					t.Fatalf("%q: Next(%v) = %v", expr, from, next)
				}
				// Nothing in between: asking from just before gives the same slot.
				if again := s.Next(next.Add(-1)); !again.Equal(next) {
					t.Fatalf("%q: Next(%v) = %v, but just before that it is %v", expr, from, next, again)
				}
				from = next
			}
		}
	})
}
