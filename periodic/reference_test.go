package periodic_test

import (
	"math"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

// The reference is as dumb as possible: look at every minute, ask what the wall
// clock shows, and apply the policies by their definition. The patterns are written
// as Go conditions, so that nothing of the parser is in it, and what a clock shows is
// asked of package time minute by minute or hour by hour, so that nothing of
// ZoneBounds is in it.

// civil is what a calendar and a clock on the wall show.
type civil struct {
	year, day, last, hour, minute int // last is the last day of the month
	month                         time.Month
	weekday                       time.Weekday
}

// civilOf reads a number of minutes since the epoch as the digits of a wall clock.
// What it was at most a day before saves some work.
func civilOf(minutes int64, before civil) civil {
	w := before
	t := time.Unix(minutes*60, 0).UTC()
	if w.year == 0 || t.Hour() < w.hour || t.Day() != w.day {
		w = civil{weekday: t.Weekday()}
		w.year, w.month, w.day = t.Date()
		w.last = time.Date(w.year, w.month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	}
	w.hour, w.minute = t.Hour(), t.Minute()
	return w
}

func (w *civil) at(h, m int) bool { return w.hour == h && w.minute == m }

func (w *civil) working() bool { return w.weekday != time.Saturday && w.weekday != time.Sunday }

// nearest says whether this is the weekday that is nearest to that day of the month.
func (w *civil) nearest(day int) bool {
	if day < 1 || day > w.last {
		return false
	}
	switch t := time.Date(w.year, w.month, day, 0, 0, 0, 0, time.UTC); t.Weekday() {
	case time.Saturday:
		return w.day == day-1 || day == 1 && w.day == 3
	case time.Sunday:
		return day < w.last && w.day == day+1 || day == w.last && w.day == day-2
	default:
		return w.day == day
	}
}

// pattern is an expression, and what it means.
type pattern struct {
	expr     string
	match    func(w *civil) bool
	hourly   bool // it has every hour
	interval bool // its minutes have a star or a step
	both     bool // AndDays
}

var patterns = []pattern{
	{expr: "30 2 * * *", match: func(w *civil) bool { return w.at(2, 30) }},
	{expr: "15,45 2 * * *", match: func(w *civil) bool { return w.at(2, 15) || w.at(2, 45) }},
	{expr: "30 2,3 * * *", match: func(w *civil) bool { return w.at(2, 30) || w.at(3, 30) }},
	{expr: "30 1 * * *", match: func(w *civil) bool { return w.at(1, 30) }},
	{expr: "0,30 1 * * *", match: func(w *civil) bool { return w.at(1, 0) || w.at(1, 30) }},
	{expr: "0 * * * *", hourly: true, match: func(w *civil) bool { return w.minute == 0 }},
	{expr: "*/20 * * * *", hourly: true, match: func(w *civil) bool { return w.minute%20 == 0 }},
	{expr: "7-59/13 * * * *", hourly: true, match: func(w *civil) bool { return w.minute >= 7 && (w.minute-7)%13 == 0 }},
	{expr: "0 0 * * *", match: func(w *civil) bool { return w.at(0, 0) }},
	{expr: "@daily", match: func(w *civil) bool { return w.at(0, 0) }},
	{expr: "0 0 * * 0", match: func(w *civil) bool { return w.at(0, 0) && w.weekday == time.Sunday }},
	{expr: "*/5 0-5 * * *", interval: true, match: func(w *civil) bool { return w.hour <= 5 && w.minute%5 == 0 }},
	{expr: "*/15 1-2 * * *", interval: true, match: func(w *civil) bool { return w.hour >= 1 && w.hour <= 2 && w.minute%15 == 0 }},
	{expr: "* 1 * * SUN", interval: true, match: func(w *civil) bool { return w.hour == 1 && w.weekday == time.Sunday }},
	{expr: "10-50/20,55 23,0-2 * * *", interval: true, match: func(w *civil) bool {
		return (w.hour == 23 || w.hour <= 2) && (w.minute == 10 || w.minute == 30 || w.minute == 50 || w.minute == 55)
	}},
	{expr: "0 */2 * * *", match: func(w *civil) bool { return w.hour%2 == 0 && w.minute == 0 }},
	{expr: "59 23 * * *", match: func(w *civil) bool { return w.at(23, 59) }},
	{expr: "0 3 L * *", match: func(w *civil) bool { return w.at(3, 0) && w.day == w.last }},
	{expr: "0 9 29 2 *", match: func(w *civil) bool { return w.at(9, 0) && w.month == 2 && w.day == 29 }},
	{expr: "0 12 31 12 *", match: func(w *civil) bool { return w.at(12, 0) && w.month == 12 && w.day == 31 }},
	{expr: "5 0 * * SUN#L", match: func(w *civil) bool { return w.at(0, 5) && w.weekday == time.Sunday && w.day+7 > w.last }},
	{expr: "30 2 * * SUN#2", match: func(w *civil) bool { return w.at(2, 30) && w.weekday == time.Sunday && (w.day-1)/7 == 1 }},
	{expr: "0 2 LW * *", match: func(w *civil) bool { return w.at(2, 0) && w.nearest(w.last) }},
	{expr: "30 1 L-2W * *", match: func(w *civil) bool { return w.at(1, 30) && w.nearest(w.last-2) }},
	{expr: "15 2 LW-6,1W * *", match: func(w *civil) bool { return w.at(2, 15) && (w.nearest(w.last-6) || w.nearest(1)) }},
	{expr: "0 0 31W * *", match: func(w *civil) bool { return w.at(0, 0) && w.nearest(31) }},
	{expr: "45 1 * * SAT-TUE/2", match: func(w *civil) bool { return w.at(1, 45) && (w.weekday == 6 || w.weekday == 1) }},
	{expr: "20 1 13 * FRI", match: func(w *civil) bool { return w.at(1, 20) && (w.day == 13 || w.weekday == time.Friday) }},
	{expr: "20 1 13,25-31 * FRI,SUN", both: true, match: func(w *civil) bool {
		return w.at(1, 20) && (w.day == 13 || w.day >= 25) && (w.weekday == time.Friday || w.weekday == time.Sunday)
	}},
	{expr: "40 2 */3 * SAT,SUN", match: func(w *civil) bool { return w.at(2, 40) && w.day%3 == 1 && !w.working() }},
}

var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/Havana",
	"America/Santiago", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Africa/Casablanca", "Antarctica/Troll",
	"Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham", "Asia/Tehran", "Asia/Kolkata",
	"America/St_Johns", "Europe/Moscow", "Asia/Gaza",
}

// claim is what a schedule made of a pattern says about its next slot.
type claim struct {
	s     periodic.Schedule
	first bool // FirstInstantAfter
	twice bool // RepeatBoth
	next  int64
}

// claims are those of a pattern under the default, which goes by the pattern, and
// under policies that were chosen.
func (p *pattern) claims(t *testing.T, loc *time.Location) []claim {
	t.Helper()
	with := func(options ...periodic.CronOption) periodic.Schedule {
		if p.both {
			options = append(options, periodic.AndDays())
		}
		return cron(t, p.expr, loc, options...)
	}
	return []claim{
		{s: with(), first: true, twice: p.interval},
		{s: with(periodic.Gap(periodic.FirstInstantAfter), periodic.Repeat(periodic.RepeatOnce)), first: true},
		{s: with(periodic.Gap(periodic.SkipGap), periodic.Repeat(periodic.RepeatBoth)), twice: true},
	}
}

// ask asks for the slot after an instant.
func (c *claim) ask(t *testing.T, after time.Time) {
	t.Helper()
	next := c.s.Next(after)
	switch {
	case next.IsZero():
		c.next = math.MaxInt64
	case !next.After(after) || next.Unix()%60 != 0 || next.Nanosecond() != 0:
		t.Fatalf("%v: Next(%v) = %v", c.s, after, next)
	default:
		c.next = next.Unix()
	}
}

// offsets of a zone, minute by minute. Within an hour that begins and ends with one
// offset there is no other.
type offsets struct {
	loc   *time.Location
	until int64
	fixed bool
	value int64
}

func (o *offsets) at(second int64) int64 {
	ask := func(second int64) int64 {
		_, offset := time.Unix(second, 0).In(o.loc).Zone()
		return int64(offset)
	}
	if second >= o.until {
		o.value, o.until = ask(second), second+3600
		o.fixed = ask(o.until) == o.value
	}
	if !o.fixed {
		return ask(second)
	}
	return o.value
}

// agree looks at every minute of the span and wants each pattern to be due when the
// reference is, and never else. It returns how many slots there were.
func agree(t *testing.T, loc *time.Location, from, until time.Time, patterns []pattern) (slots int) {
	t.Helper()
	all := make([][]claim, len(patterns))
	for i := range patterns {
		all[i] = patterns[i].claims(t, loc)
		for k := range all[i] {
			all[i][k].ask(t, from.Add(-time.Nanosecond))
		}
	}
	var shown [1 << 12]int64 // the digits of the last two days and more
	zone := offsets{loc: loc}
	start := from.Unix() - 26*3600 // so that a repeat at the very beginning is seen as one
	before := (start - 60 + zone.at(start-60)) / 60
	var w civil
	for second := start; second < until.Unix(); second += 60 {
		minute := (second + zone.at(second)) / 60
		repeated := shown[minute%int64(len(shown))] == minute
		shown[minute%int64(len(shown))] = minute
		w = civilOf(minute, w)
		for i := range patterns {
			if second < from.Unix() {
				break
			}
			p := &patterns[i]
			match, skipped := p.match(&w), false
			for m := before + 1; m < minute && !skipped && !p.hourly; m++ {
				hole := civilOf(m, civil{})
				skipped = p.match(&hole)
			}
			for k := range all[i] {
				c := &all[i][k]
				due := match && (p.hourly || !repeated || c.twice) || skipped && c.first
				if due != (c.next == second) {
					t.Fatalf("%v: at %v it is due: %v; claimed next %v", c.s, time.Unix(second, 0).In(loc), due, time.Unix(c.next, 0).In(loc))
				}
				if due {
					c.ask(t, time.Unix(second, 0))
					slots++
				}
			}
		}
		before = minute
	}
	return slots
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
