package periodic

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/netresearch/go-cron"

	"github.com/steadgo/stead/internal/wallclock"
)

// GapPolicy decides about a slot whose wall-clock time does not exist because the
// clocks went forward over it.
type GapPolicy uint8

// The gap policies. The zero value is the default.
const (
	FirstInstantAfter GapPolicy = iota // due once, at the first instant after the gap
	SkipGap                            // not due that day
)

// RepeatPolicy decides about a slot whose wall-clock time comes twice because the
// clocks went back over it.
type RepeatPolicy uint8

// The repeat policies. The default is RepeatBoth for a schedule whose minute or second
// field has a star or a step, and RepeatOnce for any other.
const (
	RepeatOnce RepeatPolicy = iota // due the first time only
	RepeatBoth                     // due both times
)

// CronOption is an option of [Cron] and [DailyAt].
type CronOption interface{ apply(*zoned) }

func (p GapPolicy) apply(z *zoned)    { z.gap = p }
func (p RepeatPolicy) apply(z *zoned) { z.repeat = p }
func (andDays) apply(z *zoned)        { z.wall.both, z.andDays = true, true }

// Gap returns an option for slots in the hour that a change of the clocks skips.
// The default is FirstInstantAfter.
func Gap(p GapPolicy) CronOption { return p }

// Repeat returns an option for slots in the hour that a change of the clocks
// repeats. The default depends on the schedule. One at an interval, such as "*/5
// 0-5 * * *", goes on through the repeated hour, as with [RepeatBoth]. A time of
// day, such as "0,30 1 * * *", is due once, as with [RepeatOnce].
func Repeat(p RepeatPolicy) CronOption { return p }

// AndDays returns an option with which a day must match both day fields. "0 9 13 *
// FRI" is then due on each Friday the 13th. Without the option it is due on each
// 13th and on each Friday.
func AndDays() CronOption { return andDays{} }

type andDays struct{}

// The fields are minute, hour, day of month, month and day of week, with an optional field
// of seconds before them. The number of years bounds the search for the next slot. The
// fifth Monday of a February is up to 40 years away, and no kind of year is rarer.
const (
	cronSyntax = cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow |
		cron.Descriptor | cron.Extended | cron.DowOrDom
	cronSearchYears = 40
	cronMaxLength   = 1024
	anyValue        = 1 << 63 // how the parser marks a field that has a star
	allHours        = 1<<24 - 1
)

// Cron returns a schedule in the language of crontab(5), in the time of loc. If loc
// is nil, UTC is used. expr has five fields: minute, hour, day of month, month and
// day of week. It may have a field of seconds before them, or be one of @yearly,
// @annually, @monthly, @weekly, @daily, @midnight and @hourly.
//
// A field is a list, separated by commas. An item is *, a value, or a range a-b,
// optionally with a step /n; a/n is from a to the end of the field. Months and days
// of the week may be names of three letters. Sunday is 0 or 7. A range must ascend,
// except for weekday names: FRI-MON is valid, and SAT-TUE/2 is Saturday and Monday.
//
// Day of month also has L (the last day), L-n (n days before it), nW (the weekday,
// Monday to Friday, that is nearest to day n in the same month), LW (nearest to the
// last day) and L-nW, also written LW-n (nearest to L-n). Day of week also has d#k
// (the k-th such day of the month), d#L and dL (the last). A month that has no such
// day, such as 31W in April, is skipped. ? is *.
//
// If both day fields are restricted, a day matches if it matches one of them,
// unless [AndDays] is given. A field that begins with a star, even with a step, is
// not restricted; a day must then match both.
//
// When the clocks change, a schedule whose hour field has every hour is due in each
// real hour, no more and no less. Any other schedule follows the policies [Gap] and
// [Repeat].
//
// Cron returns an error for a zone in the text, as in CRON_TZ=, and for @every; use
// loc and [Every] instead. It also returns one for a schedule that is never due,
// such as 30 February, and for a nil option.
//
// Next returns the zero time for years beyond 9999 and if there is no slot in the
// next 40 years. The latter happens if all of them fall into gaps and [SkipGap] is
// given.
func Cron(expr string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	z, err := newCron(expr, loc, opts)
	if err != nil {
		return nil, fmt.Errorf("stead/periodic: cron %q: %w", clip(expr), err)
	}
	return z, nil
}

// MustCron is [Cron] for an expression that is part of the program. It panics if
// the expression is invalid.
func MustCron(expr string, loc *time.Location, opts ...CronOption) Schedule {
	return must(Cron(expr, loc, opts...))
}

func must(s Schedule, err error) Schedule {
	if err != nil {
		panic(err)
	}
	return s
}

func newCron(expr string, loc *time.Location, opts []CronOption) (*zoned, error) {
	text, err := checkCron(expr)
	if err != nil {
		return nil, err
	}
	spec, err := parse(text)
	if err != nil {
		return nil, err
	}
	z := &zoned{
		wall: newWall(spec), text: fmt.Sprintf("cron %q", strings.Join(strings.Fields(expr), " ")),
		loc: wallclock.OrUTC(loc), hourly: spec.Hour&allHours == allHours,
	}
	if atIntervals(text) {
		z.repeat, z.usual = RepeatBoth, RepeatBoth
	}
	for i, o := range opts {
		if o == nil {
			return nil, fmt.Errorf("option %d of %d is nil", i+1, len(opts))
		}
		o.apply(z)
	}
	if z.gap > SkipGap || z.repeat > RepeatBoth {
		return nil, errors.New("unknown policy")
	}
	// The years after 2000 include leap years that begin on each day of the week, so a
	// schedule that is not due in them never is.
	if z.wall.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("it is never due")
	}
	return z, nil
}

// parse passes a checked text to the parser, and adds what the parser does not
// know.
func parse(text string) (*cron.SpecSchedule, error) {
	parser, err := cron.TryNewParser(cronSyntax)
	if err != nil {
		return nil, err
	}
	// The parser knows L-n but not L-nW.
	parsed, err := parser.Parse("TZ=UTC " + lastNearest.ReplaceAllString(text, "$1"))
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("not a calendar schedule")
	}
	fields := strings.Fields(text)
	if len(fields) < 5 {
		return spec, nil
	}
	monthDays, weekDays := fields[len(fields)-3], fields[len(fields)-1]
	special := 0
	for _, item := range strings.Split(monthDays, ",") {
		if lastNearest.MatchString(item) {
			spec.DomConstraints[special].Type = cron.DomLastWeekday
		}
		if strings.ContainsAny(item, "LW") {
			special++
		}
	}
	// The parser marks stars differently from crontab, where a field begins with one.
	spec.Dom = marked(spec.Dom, monthDays)
	spec.Dow = marked(spec.Dow, weekDays)
	return spec, nil
}

func marked(set uint64, text string) uint64 {
	if text[0] == '*' || text[0] == '?' {
		return set | anyValue
	}
	return set &^ anyValue
}

// lastNearest is L-nW.
var lastNearest = regexp.MustCompile(`(L-[0-9]+)W`)

// atIntervals reports whether the schedule is due at an interval within its hours:
// the field of minutes, or of seconds, has a star or a step.
func atIntervals(text string) bool {
	fields := strings.Fields(text)
	return len(fields) >= 5 && strings.ContainsAny(strings.Join(fields[:len(fields)-4], " "), "*?/")
}

// DailyAt returns a schedule that is due each day at a time of day, "15:04" or
// "15:04:05", in loc. If loc is nil, UTC is used. On days when the clocks change
// the policies apply, as with [Cron]. For each week or month use [Cron]: "30 6 * *
// MON", "30 6 L * *". DailyAt returns an error if the time of day is invalid or an
// option is nil.
func DailyAt(at string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	t, err := wallclock.TimeOfDay(at)
	if err != nil {
		return nil, fmt.Errorf("stead/periodic: daily at %q: %w", clip(at), err)
	}
	expr := fmt.Sprintf("%d %d %d * * *", t/time.Second%60, t/time.Minute%60, t/time.Hour)
	s, err := Cron(expr, loc, opts...)
	if z, ok := s.(*zoned); ok {
		z.text = "daily at " + at // no other goroutine has it yet
	}
	return s, err
}

// MustDailyAt is [DailyAt] for a time that is part of the program. It panics if the
// time is invalid.
func MustDailyAt(at string, loc *time.Location, opts ...CronOption) Schedule {
	return must(DailyAt(at, loc, opts...))
}

// clip bounds the length of a text in an error message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
