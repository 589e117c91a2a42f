package periodic

import (
	"math/bits"
	"time"

	"github.com/netresearch/go-cron"
)

// wall is the set of wall-clock times at which a crontab line is due. It takes and
// returns pictures, see package wallclock. A set has the bit 1<<v for the value v.
type wall struct {
	second, minute, hour     uint64
	month, monthDay, weekDay uint64
	monthDays                []cron.DomConstraint
	weekDays                 []cron.DowConstraint
	both                     bool // a day must match both day fields
}

// newWall converts the result of the parser. LW is the weekday nearest to the N-th
// day before the last of the month; the parser has it for 0 only.
func newWall(spec *cron.SpecSchedule) *wall {
	return &wall{
		second: spec.Second &^ anyValue, minute: spec.Minute &^ anyValue, hour: spec.Hour &^ anyValue,
		month: spec.Month &^ anyValue, monthDay: spec.Dom &^ anyValue, weekDay: cron.NormalizeDOW(spec.Dow &^ anyValue),
		monthDays: spec.DomConstraints, weekDays: spec.DowConstraints,
		both: (spec.Dom|spec.Dow)&anyValue != 0,
	}
}

// Next checks each month once, for as many years as it takes to see each kind of
// year: leap or not, and beginning on each day of the week.
func (w *wall) Next(after time.Time) time.Time {
	t := after.Truncate(time.Second).Add(time.Second)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	clock, today := w.clock(hour, minute, second)
	if !today {
		day++
	}
	for range 12*cronSearchYears + 12 {
		if w.month>>month&1 != 0 {
			if left := w.days(year, month) >> day << day; left != 0 {
				first := bits.TrailingZeros64(left)
				if !today || first != day {
					clock, _ = w.clock(0, 0, 0)
				}
				return time.Date(year, month, first, 0, 0, 0, 0, time.UTC).Add(clock)
			}
		}
		if month++; month > time.December {
			year, month = year+1, time.January
		}
		day, today = 1, false
	}
	return time.Time{}
}

// clock returns the first matching time of day that is not before the given one, if
// there is one.
func (w *wall) clock(hour, minute, second int) (time.Duration, bool) {
	s := notBefore(w.second, second)
	if s == none {
		minute++
	}
	m := notBefore(w.minute, minute)
	if m == none {
		hour++
	}
	h := notBefore(w.hour, hour)
	if h == none {
		return 0, false
	}
	if h != hour || m == none {
		m = notBefore(w.minute, 0)
	}
	if h != hour || m != minute || s == none {
		s = notBefore(w.second, 0)
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second, true
}

// none is the result of notBefore if the set has no such value.
const none = 64

func notBefore(set uint64, v int) int { return bits.TrailingZeros64(set >> v << v) }

// days returns the set of the matching days of a month.
func (w *wall) days(year int, month time.Month) uint64 {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Weekday()
	length := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	byMonth, byWeek := w.monthDay, uint64(0)
	for _, c := range w.monthDays {
		byMonth |= 1 << dayOf(c, first, length)
	}
	for day := 1; day <= length; day++ {
		byWeek |= w.weekDay >> ((int(first) + day - 1) % 7) & 1 << day
	}
	for _, c := range w.weekDays {
		day := 1 + (c.Weekday-int(first)+7)%7
		if c.N > 0 {
			day += 7 * (c.N - 1)
		} else {
			day += (length - day) / 7 * 7
		}
		byWeek |= 1 << day
	}
	days := byMonth | byWeek
	if w.both {
		days = byMonth & byWeek
	}
	return days & (1<<(length+1) - 1) &^ 1
}

// dayOf returns the day of a month that a constraint means, or 0 if the month has
// none. The month begins on the weekday first and has length days.
func dayOf(c cron.DomConstraint, first time.Weekday, length int) int {
	day := c.N
	if c.Type != cron.DomNearestWeekday {
		day = length - c.N
	}
	if day < 1 || day > length {
		return 0
	}
	if c.Type != cron.DomNearestWeekday && c.Type != cron.DomLastWeekday {
		return day
	}
	switch weekday := time.Weekday((int(first) + day - 1) % 7); {
	case weekday == time.Saturday && day == 1:
		return 3
	case weekday == time.Saturday:
		return day - 1
	case weekday == time.Sunday && day == length:
		return day - 2
	case weekday == time.Sunday:
		return day + 1
	}
	return day
}
