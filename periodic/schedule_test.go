package periodic_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
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
		{"0 0 L-2W * *", "2026-02-01 00:00", []string{"2026-02-26", "2026-03-30", "2026-04-28", "2026-05-29"}},
		{"0 0 LW-2 * *", "2026-02-01 00:00", []string{"2026-02-26", "2026-03-30", "2026-04-28", "2026-05-29"}},
		{"0 0 L-30W * *", "2026-05-02 00:00", []string{"2026-07-01", "2026-08-03"}}, // 1 August is a Saturday
		{"0 0 l-3,l-3w 5 *", "2026-01-01 00:00", []string{"2026-05-28", "2027-05-28"}},
		{"0 0 L-2,L-1W,15 5 *", "2026-01-01 00:00", []string{"2026-05-15", "2026-05-29", "2027-05-15", "2027-05-29", "2027-05-31"}},
		{"0 0 * * SAT-TUE/2", "2026-01-01 00:00", []string{"2026-01-03", "2026-01-05", "2026-01-10"}},
		{"0 0 * * TUE-SUN/2", "2026-01-01 00:00", []string{"2026-01-03", "2026-01-06", "2026-01-08", "2026-01-10"}},
		{"0 0 * * 1-7/2", "2026-01-01 00:00", []string{"2026-01-02", "2026-01-04", "2026-01-05", "2026-01-07"}},
		{"0 0 13,* * FRI", "2026-01-01 00:00", []string{"2026-01-02", "2026-01-03"}}, // no star at the begin: either
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
		"0 0 L-W * *", "0 0 L-31W * *", "0 0 LW- * *", "0 0 LW-0 * *", "0 0 L-2WW * *", "0 0 WL * *", "0 0 L-2W-3 * *", "0 22-6/2 * * *", "0 0 * * 5-1/2",
		"0 0 * * SAT-TUE/4", "0 0 * * FRI#6", "0 0 * * FRI#0", "0 0 * * #1", "0 0 * * FRI#", "0 0 * * L", "0 0 W * *", "0 0 32W * *",
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
}

func TestErrorsOfCronSayWhichFieldIsWrongAndWhatIsAllowed(t *testing.T) {
	for expr, want := range map[string]string{
		"":                   "it has 0 fields, want 5 (minute, hour, day of month, month, day of week) or 6 with second before them",
		"* * * *":            "it has 4 fields, want 5 (",
		"5m":                 "it has 1 field, want 5 (minute, hour, day of month, month, day of week) or 6 with second before them; for a period there is the schedule Every",
		"02:30":              "for a time of day there is DailyAt",
		"0 0 0 1 1 * 2026":   "it has 7 fields, want 5 (minute, hour, day of month, month, day of week) or 6 with second before them; for years there is the schedule Bounded",
		"60 * * * *":         `minute: "60", want 0 to 59; did you mean 0?`,
		"61 0 * * * *":       `second: "61", want 0 to 59`,
		"0 24 * * *":         `hour: "24", want 0 to 23; did you mean 0?`,
		"0 0 0 * *":          `day of month: "0", want 1 to 31`,
		"0 0 1 0 *":          `month: "0", want 1 to 12 or JAN to DEC`,
		"0 0 * * 8":          `day of week: "8", want 0 to 7 or SUN to SAT`,
		"0 0 * * MO":         `day of week: "MO", want 0 to 7 or SUN to SAT; did you mean MON?`,
		"0 0 * * tue,friday": `day of week: "FRIDAY", want 0 to 7 or SUN to SAT; did you mean FRI?`,
		"0 0 * * JAN":        `day of week: "JAN", want 0 to 7 or SUN to SAT; that is a month`,
		"0 0 1 FRI *":        `month: "FRI", want 1 to 12 or JAN to DEC; that is a day of week`,
		"0 0 1 JU *":         `month: "JU", want 1 to 12 or JAN to DEC; did you mean JUN or JUL?`,
		"0 0 1 X *":          `month: "X", want 1 to 12 or JAN to DEC`,
		"H * * * *":          `minute: "H", want 0 to 59`,
		"-1 * * * *":         `minute: "-1", want 0 to 59`,
		"+5 * * * *":         `minute: "+5", want 0 to 59`,
		"1.5 * * * *":        `minute: "1.5", want 0 to 59`,
		"1, * * * *":         "minute: an item of the list is empty",
		"*/0 * * * *":        `minute: "*/0", want a step from 1 to 59 after /`,
		"*/60 * * * *":       `minute: "*/60", want a step from 1 to 59 after /`,
		"10-20/15 * * * *":   `minute: "10-20/15", want a step from 1 to 10 after /`,
		"0 */x * * *":        `hour: "*/X", want a step from 1 to 23 after /`,
		"0 22-6 * * *":       `hour: "22-6", want a range that ascends; did you mean 22-23,0-6?`,
		"0 0 * NOV-FEB *":    `month: "NOV-FEB", want a range that ascends; did you mean NOV-12,1-FEB?`,
		"0 22-6/3 * * *":     `hour: "22-6/3", want a range that ascends; did you mean 22,1,4?`,
		"0 0 * * 6-2/2":      `day of week: "6-2/2", want a range that ascends; did you mean 6,1?`,
		"0 0 * * SAT-TUE/4":  `day of week: "SAT-TUE/4", want a step from 1 to 3 after /`,
		"0 0 L-31W * *":      `day of month: "L-31W", want a number of days from 1 to 30 after L-`,
		"0 0 LW-x * *":       `day of month: "LW-X", want a number of days from 1 to 30 after L-`,
		"0 8-1x * * *":       `hour: "1X", want 0 to 23`,
		"0 0 L4 * *":         `day of month: "L4", want L, LW, L-n or L-nW`,
		"0 0 L-31 * *":       `day of month: "L-31", want a number of days from 1 to 30 after L-`,
		"0 0 32W * *":        `day of month: "32W", want a day from 1 to 31, or L, before W`,
		"0 0 * * L":          `day of week: "L", want a day before L, such as FRIL for the last Friday of the month`,
		"0 0 * * MOL":        `day of week: "MO", want 0 to 7 or SUN to SAT; did you mean MON?`,
		"0 0 * * FRI#6":      `day of week: "FRI#6", want a number from 1 to 5, or L for the last, after #`,
		"@dayly":             "want one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly",
		"@daily 1":           "nothing may follow @daily",
		"@every 5m":          "for a period there is the schedule Every",
		"@reboot":            "for a run at the start there is Config.RunAtStart",
		"TZ=UTC 0 0 * * *":   "a time zone belongs into the argument loc, not into the text",
		"０ * * * *":          "character '０', want letters, digits and * , - / # ?",
		"0 0 31 2 *":         "it is never due",
	} {
		_, err := periodic.Cron(expr, nil)
		if prefix := fmt.Sprintf("stead/periodic: cron %q: ", expr); err == nil || !strings.HasPrefix(err.Error(), prefix+want) && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v\nwant ...%s", expr, err, want)
		}
	}
}

// What the fields' own check accepts, the parser has to know: its errors speak of
// its options and its bounds.
func TestTheParserOfCronHasNothingToAdd(t *testing.T) {
	spans := []string{"*", "?", "1", "02", "2-4", "FRI", "jan", "mar-nov", "MON-FRI", "FRI-MON", "sat-5", "7", "5-7", "l", "LW", "L-3", "L-3W", "LW-2", "15W", "FRI#2", "5#L", "friL", "7L", "0"}
	steps := []string{"", "/1", "/2", "/3", "/7", "/10", "/23", "/30", "/59"}
	for field := range 6 {
		for _, span := range spans {
			for _, step := range steps {
				fields := strings.Fields("* * * * * *")
				fields[field] = span + step + "," + span
				_, err := periodic.Cron(strings.Join(fields, " "), nil)
				if err != nil && !strings.Contains(err.Error(), ", want ") && !strings.Contains(err.Error(), "never due") {
					t.Errorf("%v", err)
				}
			}
		}
	}
}

func TestTimesOfDay(t *testing.T) {
	from := instant(t, "2026-01-30 07:00", time.UTC)
	s, err := periodic.DailyAt("06:30:15", nil)
	if err != nil {
		t.Fatal(err)
	}
	nexts(t, s, from, "2026-01-31 06:30:15", "2026-02-01 06:30:15")
	for _, at := range []string{"", "6:30", "24:00", "06:60", "06:30:60", "noon", "06:30 ", "06:30:15.5"} {
		if _, err := periodic.DailyAt(at, nil); err == nil {
			t.Errorf("time of day %q was accepted", at)
		}
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

// everything excludes all there is, in steps of one slot.
type everything struct{ asked int }

func (e *everything) Excluded(t time.Time) (time.Time, bool) {
	e.asked++
	return t, true
}

func TestExclusionOfEverySlotEnds(t *testing.T) {
	from := instant(t, "2026-01-01 00:00", time.UTC)
	daily := cron(t, "@daily", nil)
	if next := periodic.Except(daily, calendar.Between(from, from.AddDate(50, 0, 0))).Next(from); next.Year() != 2076 {
		t.Errorf("one long exclusion ends at %v", next)
	}
	var days []string
	for day := from; day.Year() < 2032; day = day.AddDate(0, 0, 1) {
		days = append(days, day.Format(time.DateOnly))
	}
	holidays, err := calendar.Holidays(nil, days...)
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
	froms := []time.Time{
		instant(f, "2026-03-28 00:00", berlin), instant(f, "2026-10-24 00:00", berlin),
		instant(f, "2040-12-30 23:59", berlin), instant(f, "2099-12-31 23:59", berlin),
	}
	f.Fuzz(func(t *testing.T, expr string) {
		for _, opts := range [][]periodic.CronOption{nil, {periodic.AndDays(), periodic.SkipGap, periodic.RepeatBoth}, {periodic.RepeatOnce}} {
			s, err := periodic.Cron(expr, berlin, opts...)
			if err != nil {
				continue
			}
			for _, from := range froms {
				for range 5 {
					next := s.Next(from)
					if next.IsZero() {
						break // only gaps are left
					}
					if !next.After(from) || next.Nanosecond() != 0 {
						t.Fatalf("%v: Next(%v) = %v", s, from, next)
					}
					// Nothing in between: asking from just before gives the same slot.
					if again := s.Next(next.Add(-1)); !again.Equal(next) {
						t.Fatalf("%v: Next(%v) = %v, but just before that it is %v", s, from, next, again)
					}
					from = next
				}
			}
		}
	})
}
