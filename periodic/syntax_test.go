package periodic_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

// thorough asks for all of it, as the step zones of .ci/step does.
var thorough = os.Getenv("STEAD_TEST_THOROUGH") != ""

// field is a field of a crontab line, written down once more.
type field struct {
	name     string
	min, max int
	names    []string // of min, min+1 and so on
	line     string   // a line with %s for the field, that is due once for each of its values
	from     string   // and from when on it goes through all of them, once
	until    string
	value    func(t time.Time) int
}

var fields = []field{
	{"second", 0, 59, nil, "%s 0 0 1 1 *", "2026-01-01 00:00", "2026-01-01 00:01", time.Time.Second},
	{"minute", 0, 59, nil, "%s 0 1 1 *", "2026-01-01 00:00", "2026-01-01 01:00", time.Time.Minute},
	{"hour", 0, 23, nil, "0 %s 1 1 *", "2026-01-01 00:00", "2026-01-02 00:00", time.Time.Hour},
	{"day of month", 1, 31, nil, "0 0 %s 1 ?", "2026-01-01 00:00", "2026-02-01 00:00", time.Time.Day},
	{
		"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"},
		"0 0 1 %s ?", "2026-01-01 00:00", "2027-01-01 00:00", func(t time.Time) int { return int(t.Month()) },
	},
	{
		"day of week", 0, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"},
		"0 0 ? * %s", "2026-02-01 00:00", "2026-02-08 00:00", func(t time.Time) int { return int(t.Weekday()) },
	},
}

// wants checks that the field with the text has these values, or that it is refused.
func (f field) wants(t *testing.T, text string, want map[int]bool) {
	t.Helper()
	s, err := periodic.Cron(fmt.Sprintf(f.line, text), nil)
	if want == nil || err != nil {
		if want != nil || err == nil {
			t.Errorf("%s %q: error %v, and the values are %v", f.name, text, err, want)
		}
		return
	}
	got := map[int]bool{}
	until := instant(t, f.until, time.UTC)
	for at := s.Next(instant(t, f.from, time.UTC).Add(-1)); at.Before(until) && !at.IsZero(); at = s.Next(at) {
		got[f.value(at)] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s %q: %v, want %v", f.name, text, got, want)
	}
}

// values are each step-th of those from first to last, around the end of a week if
// need be; nil if that is refused.
func (f field) values(first, last, step int, around bool) map[int]bool {
	week := f.max == 7
	if first > last {
		if !week || !around {
			return nil
		}
		last += 7
	}
	if step < 1 || step > max(last-first, 1) {
		return nil
	}
	set := map[int]bool{}
	for v := first; v <= last; v += step {
		if week {
			set[v%7] = true
		} else {
			set[v] = true
		}
	}
	return set
}

func TestEveryRangeAndStepOfEveryFieldHasTheValuesThatCountingGives(t *testing.T) {
	for _, f := range fields {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			wants := func(text string, want map[int]bool) {
				t.Helper()
				f.wants(t, text, want)
				n++
			}
			for step := range f.max + 3 {
				wants(fmt.Sprintf("*/%d", step), f.values(f.min, f.max, step, false))
				for first := f.min; first <= f.max; first++ {
					wants(fmt.Sprintf("%d/%d", first, step), f.values(first, f.max, step, false))
					for last := f.min; last <= f.max; last++ {
						if !thorough && f.max == 59 && step > 5 && step%13 > 1 {
							continue // they are 220,000
						}
						wants(fmt.Sprintf("%d-%d/%d", first, last, step), f.values(first, last, step, false))
					}
				}
				for i, first := range f.names {
					wants(fmt.Sprintf("%s/%d", first, step), f.values(f.min+i, f.max, step, false))
					for j, last := range f.names {
						wants(fmt.Sprintf("%s-%s/%d", first, last, step), f.values(f.min+i, f.min+j, step, true))
						wants(fmt.Sprintf("%s-%d/%d", first, f.min+j, step), f.values(f.min+i, f.min+j, step, false))
					}
				}
			}
			for first := f.min - 1; first <= f.max+1; first++ {
				for last := f.min - 1; last <= f.max+1; last++ {
					var want map[int]bool
					if first >= f.min && last <= f.max {
						want = f.values(first, last, 1, false)
					}
					wants(fmt.Sprintf("%d-%d", first, last), want)
				}
			}
			for i, first := range f.names {
				for j, last := range f.names {
					wants(first+"-"+strings.ToLower(last), f.values(f.min+i, f.min+j, 1, true))
				}
			}
			t.Logf("%d texts", n)
		})
	}
}

// days are the dates on which a line with these day fields is due in 28 years, in
// which each kind of year comes.
func days(t *testing.T, line string, opts ...periodic.CronOption) (all []string) {
	t.Helper()
	s, err := periodic.Cron(line, nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2052, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := s.Next(time.Date(2024, 1, 1, 0, 0, 0, -1, time.UTC)); at.Before(until) && !at.IsZero(); at = s.Next(at) {
		all = append(all, at.Format(time.DateOnly))
	}
	return all
}

// specials are all the items of the day fields that are no ranges, with what a day
// has to be.
func specials() (byMonth, byWeek map[string]func(w *civil) bool) {
	byMonth = map[string]func(w *civil) bool{
		"L":  func(w *civil) bool { return w.day == w.last },
		"LW": func(w *civil) bool { return w.nearest(w.last) },
	}
	for n := 1; n <= 31; n++ {
		byMonth[fmt.Sprintf("%dW", n)] = func(w *civil) bool { return w.nearest(n) }
	}
	for n := 1; n <= 30; n++ {
		byMonth[fmt.Sprintf("L-%d", n)] = func(w *civil) bool { return w.day == w.last-n }
		byMonth[fmt.Sprintf("L-%dW", n)] = func(w *civil) bool { return w.nearest(w.last - n) }
		byMonth[fmt.Sprintf("LW-%d", n)] = byMonth[fmt.Sprintf("L-%dW", n)]
	}
	byWeek = map[string]func(w *civil) bool{}
	for d := range 8 {
		for k := 1; k <= 5; k++ {
			byWeek[fmt.Sprintf("%d#%d", d, k)] = func(w *civil) bool { return int(w.weekday) == d%7 && (w.day-1)/7+1 == k }
		}
		byWeek[fmt.Sprintf("%dL", d)] = func(w *civil) bool { return int(w.weekday) == d%7 && w.day+7 > w.last }
		byWeek[fmt.Sprintf("%d#L", d)] = byWeek[fmt.Sprintf("%dL", d)]
	}
	return byMonth, byWeek
}

// year28 are the days of the years that days looks at.
func year28(match func(w *civil) bool) (all []string) {
	for at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2052; at = at.AddDate(0, 0, 1) {
		if w := civilOf(at.Unix()/60, civil{}); match(&w) {
			all = append(all, at.Format(time.DateOnly))
		}
	}
	return all
}

func TestEverySpecialDayIsTheOneThatTheCalendarGives(t *testing.T) {
	byMonth, byWeek := specials()
	same := func(line string, match func(w *civil) bool, opts ...periodic.CronOption) {
		t.Helper()
		if got, want := days(t, line, opts...), year28(match); !slices.Equal(got, want) {
			t.Errorf("%q: %d days, want %d", line, len(got), len(want))
		}
	}
	for item, match := range byMonth {
		same("0 0 "+item+" * *", match)
	}
	for item, match := range byWeek {
		same("0 0 * * "+item, match)
	}
	for m, inMonth := range byMonth { // some of each with one of the other, in the order of a map
		for w, inWeek := range byWeek {
			same(fmt.Sprintf("0 0 %s * %s", m, w), func(d *civil) bool { return inMonth(d) || inWeek(d) })
			same(fmt.Sprintf("0 0 7,%s * %s,TUE", m, w), func(d *civil) bool {
				return (inMonth(d) || d.day == 7) && (inWeek(d) || d.weekday == time.Tuesday)
			}, periodic.AndDays())
			break
		}
	}
}

// randomField draws a field's text and the set of its values.
func randomField(r *rand.Rand, f field) (text string, set map[int]bool, star bool) {
	set = map[int]bool{}
	var items []string
	for range 1 + r.IntN(3) {
		first, last := f.min+r.IntN(f.max-f.min+1), f.min+r.IntN(f.max-f.min+1)
		first, last = min(first, last), max(first, last)
		step := 1 + r.IntN(max(last-first, 1))
		item := fmt.Sprintf("%d-%d/%d", first, last, step)
		switch r.IntN(5) {
		case 0:
			item, first, last, step = "*", f.min, f.max, 1
		case 1:
			step = 1 + r.IntN(f.max-f.min)
			item, first, last = "*/"+strconv.Itoa(step), f.min, f.max
		case 2:
			item, last, step = strconv.Itoa(first), first, 1
		}
		items = append(items, item)
		maps.Copy(set, f.values(first, last, step, false))
	}
	text = strings.Join(items, ",")
	return text, set, text[0] == '*'
}

// randomPattern draws a line of five fields.
func randomPattern(r *rand.Rand) pattern {
	var texts []string
	var sets []map[int]bool
	var stars []bool
	for _, f := range fields[1:] {
		text, set, star := randomField(r, f)
		if star && r.IntN(2) == 0 && f.name == "minute" { // a slot a minute is much the same everywhere
			text, set, star = "17", map[int]bool{17: true}, false
		}
		texts, sets, stars = append(texts, text), append(sets, set), append(stars, star)
	}
	p := pattern{expr: strings.Join(texts, " "), both: r.IntN(3) == 0}
	p.hourly = len(sets[1]) == 24
	p.interval = strings.ContainsAny(texts[0], "*/")
	p.match = func(w *civil) bool {
		if !sets[0][w.minute] || !sets[1][w.hour] || !sets[3][int(w.month)] {
			return false
		}
		byMonth, byWeek := sets[2][w.day], sets[4][int(w.weekday)]
		if p.both || stars[2] || stars[4] {
			return byMonth && byWeek
		}
		return byMonth || byWeek
	}
	return p
}
