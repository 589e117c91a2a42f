package periodic_test

import (
	"os"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

// The reference is as dumb as possible: look at every minute, ask what the wall
// clock shows, and apply the two policies by their definition. The patterns are
// written as Go conditions, so that nothing of the parser is in it.

type pattern struct {
	expr   string
	hourly bool
	match  func(w time.Time) bool
}

func lastDay(w time.Time) int { return time.Date(w.Year(), w.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func weekday(w time.Time) bool { return w.Weekday() != time.Saturday && w.Weekday() != time.Sunday }

func clockIs(w time.Time, h, m int) bool { return w.Hour() == h && w.Minute() == m }

var patterns = []pattern{
	{"30 2 * * *", false, func(w time.Time) bool { return clockIs(w, 2, 30) }},
	{"15,45 2 * * *", false, func(w time.Time) bool { return w.Hour() == 2 && (w.Minute() == 15 || w.Minute() == 45) }},
	{"30 2,3 * * *", false, func(w time.Time) bool { return clockIs(w, 2, 30) || clockIs(w, 3, 30) }},
	{"30 1 * * *", false, func(w time.Time) bool { return clockIs(w, 1, 30) }},
	{"0,30 1 * * *", false, func(w time.Time) bool { return w.Hour() == 1 && w.Minute()%30 == 0 }},
	{"0 * * * *", true, func(w time.Time) bool { return w.Minute() == 0 }},
	{"*/20 * * * *", true, func(w time.Time) bool { return w.Minute()%20 == 0 }},
	{"7-59/13 * * * *", true, func(w time.Time) bool { return w.Minute() >= 7 && (w.Minute()-7)%13 == 0 }},
	{"0 0 * * *", false, func(w time.Time) bool { return clockIs(w, 0, 0) }},
	{"@daily", false, func(w time.Time) bool { return clockIs(w, 0, 0) }},
	{"0 0 * * 0", false, func(w time.Time) bool { return clockIs(w, 0, 0) && w.Weekday() == time.Sunday }},
	{"*/15 0-4 * * *", false, func(w time.Time) bool { return w.Hour() <= 4 && w.Minute()%15 == 0 }},
	{"0 */2 * * *", false, func(w time.Time) bool { return w.Hour()%2 == 0 && w.Minute() == 0 }},
	{"59 23 * * *", false, func(w time.Time) bool { return clockIs(w, 23, 59) }},
	{"0 3 L * *", false, func(w time.Time) bool { return clockIs(w, 3, 0) && w.Day() == lastDay(w) }},
	{"5 0 * * SUN#L", false, func(w time.Time) bool {
		return clockIs(w, 0, 5) && w.Weekday() == time.Sunday && w.Day()+7 > lastDay(w)
	}},
	{"30 2 * * SUN#2", false, func(w time.Time) bool {
		return clockIs(w, 2, 30) && w.Weekday() == time.Sunday && (w.Day()-1)/7 == 1
	}},
	{"0 2 LW * *", false, func(w time.Time) bool {
		return clockIs(w, 2, 0) && weekday(w) &&
			(w.Day() == lastDay(w) || w.Weekday() == time.Friday && w.Day()+2 >= lastDay(w))
	}},
	{"20 1 13 * FRI", false, func(w time.Time) bool {
		return clockIs(w, 1, 20) && (w.Day() == 13 || w.Weekday() == time.Friday)
	}},
	{"40 2 */3 * SAT,SUN", false, func(w time.Time) bool {
		return clockIs(w, 2, 40) && w.Day()%3 == 1 && !weekday(w)
	}},
}

var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/Havana",
	"America/Santiago", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Africa/Casablanca", "Antarctica/Troll",
	"Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham", "Asia/Tehran", "Asia/Kolkata",
	"America/St_Johns", "Europe/Moscow", "Asia/Gaza",
}

// fires is what the reference says for one zone and span, per pattern.
func fires(loc *time.Location, from, until time.Time, gap periodic.GapPolicy, repeat periodic.RepeatPolicy) [][]time.Time {
	fired := make([][]time.Time, len(patterns))
	seen := map[time.Time]bool{}
	picture := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, time.UTC)
	}
	start := from.Add(-26 * time.Hour) // so that a repeat at the very beginning is seen as one
	before := picture(start.Add(-time.Minute).In(loc))
	for t := start; t.Before(until); t = t.Add(time.Minute) {
		w := picture(t.In(loc))
		repeated := seen[w]
		seen[w] = true
		for i, p := range patterns {
			due := p.match(w) && (p.hourly || !repeated || repeat == periodic.RepeatBoth)
			if !p.hourly && gap == periodic.FirstInstantAfter {
				for m := before.Add(time.Minute); m.Before(w) && !due; m = m.Add(time.Minute) {
					due = p.match(m)
				}
			}
			if due && !t.Before(from) {
				fired[i] = append(fired[i], t)
			}
		}
		before = w
	}
	return fired
}

// compare checks every slot of every pattern in the span and returns their number.
func compare(t *testing.T, loc *time.Location, from, until time.Time, gap periodic.GapPolicy, repeat periodic.RepeatPolicy) (slots int) {
	t.Helper()
	want := fires(loc, from, until, gap, repeat)
	for i, p := range patterns {
		s, err := periodic.Cron(p.expr, loc, periodic.Gap(gap), periodic.Repeat(repeat))
		if err != nil {
			t.Fatalf("%s: %v", p.expr, err)
		}
		at := from.Add(-time.Nanosecond)
		for n := 0; ; n++ {
			next := s.Next(at)
			if !next.After(at) {
				t.Fatalf("%v %q: Next(%v) = %v", loc, p.expr, at, next)
			}
			if !next.Before(until) {
				if n != len(want[i]) {
					t.Fatalf("%v %q gap %v repeat %v: %v comes instead of %v", loc, p.expr, gap, repeat, next, want[i][n].In(loc))
				}
				break
			}
			if n >= len(want[i]) || !next.Equal(want[i][n]) {
				t.Fatalf("%v %q gap %v repeat %v: slot %d after %v is %v, reference %v",
					loc, p.expr, gap, repeat, n, from.In(loc), next, want[i][n:min(n+1, len(want[i]))])
			}
			at = next
			slots++
		}
	}
	return slots
}

func policies(f func(gap periodic.GapPolicy, repeat periodic.RepeatPolicy)) {
	f(periodic.FirstInstantAfter, periodic.RepeatOnce)
	f(periodic.SkipGap, periodic.RepeatBoth)
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestCronAgreesWithLookingAtEveryMinuteAroundEachChangeOfTheClocks(t *testing.T) {
	first, last := 2024, 2028
	if testing.Short() {
		first = 2027
	}
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			loc, n := location(t, zone), 0
			end := time.Date(last, 1, 1, 0, 0, 0, 0, time.UTC)
			at := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC).In(loc)
			n += compare(t, loc, at.UTC(), at.UTC().AddDate(0, 0, 3), periodic.FirstInstantAfter, periodic.RepeatOnce)
			for at.Before(end) {
				_, at = at.ZoneBounds()
				if at.IsZero() || at.After(end) {
					break
				}
				from := at.Add(-36 * time.Hour).Truncate(time.Hour)
				policies(func(g periodic.GapPolicy, r periodic.RepeatPolicy) {
					n += compare(t, loc, from, from.Add(72*time.Hour), g, r)
				})
			}
			t.Logf("%d slots", n)
		})
	}
}

func TestCronAgreesWithLookingAtEveryMinuteOfAYear(t *testing.T) {
	for zone, year := range map[string]int{"America/Santiago": 2026, "Pacific/Apia": 2011} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("a year of minutes")
			}
			from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
			n := compare(t, location(t, zone), from, from.AddDate(1, 0, 0), periodic.FirstInstantAfter, periodic.RepeatOnce)
			t.Logf("%d slots", n)
		})
	}
}

// All years in all zones take minutes: STEAD_TEST_ALL_YEARS=1 go test -run AllYears.
func TestCronAgreesWithLookingAtEveryMinuteOfAllYears(t *testing.T) {
	if os.Getenv("STEAD_TEST_ALL_YEARS") == "" {
		t.Skip("STEAD_TEST_ALL_YEARS is not set")
	}
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			n := 0
			policies(func(g periodic.GapPolicy, r periodic.RepeatPolicy) {
				for year := 2011; year < 2038; year++ {
					from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
					n += compare(t, location(t, zone), from, from.AddDate(1, 0, 0), g, r)
				}
			})
			t.Logf("%d slots", n)
		})
	}
}
