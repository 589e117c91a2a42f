package periodic

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/netresearch/go-cron"

	"github.com/steadgo/stead/internal/wallclock"
)

// GapPolicy says what becomes of a slot whose wall-clock time does not exist
// because the clocks went forward over it.
type GapPolicy uint8

// The gap policies. The zero value is the default.
const (
	FirstInstantAfter GapPolicy = iota // due once, at the first instant after the gap
	SkipGap                            // not due that day
)

// RepeatPolicy says what becomes of a slot whose wall-clock time comes twice
// because the clocks went back over it.
type RepeatPolicy uint8

// The repeat policies. The zero value is the default.
const (
	RepeatOnce RepeatPolicy = iota // due the first time only
	RepeatBoth                     // due both times
)

// CronOption is an option of [Cron] and the schedules made from it.
type CronOption interface{ apply(*zoned) }

func (p GapPolicy) apply(z *zoned)    { z.gap = p }
func (p RepeatPolicy) apply(z *zoned) { z.repeat = p }

// Gap chooses what happens to slots in the hour that a change of the clocks
// skips. The default is FirstInstantAfter.
func Gap(p GapPolicy) CronOption { return p }

// Repeat chooses what happens to slots in the hour that a change of the clocks
// repeats. The default is RepeatOnce.
func Repeat(p RepeatPolicy) CronOption { return p }

// Fields are minute, hour, day of month, month, day of week, with an optional
// field of seconds before them. The number of years bounds the search for the
// next slot; the fifth Monday of a February is up to 40 years away.
const (
	cronSyntax = cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow |
		cron.Descriptor | cron.Extended | cron.DowOrDom
	cronSearchYears = 40
	cronMaxLength   = 1024
	anyValue        = 1 << 63 // how the parser marks a field that was a star
	allHours        = 1<<24 - 1
)

// Cron is a schedule in the language of crontab(5), in the time of loc; nil is
// UTC. It has five fields, minute, hour, day of month, month and day of week, or
// six with a field of seconds before them, or is one of @yearly, @annually,
// @monthly, @weekly, @daily, @midnight and @hourly.
//
// A field is a list, separated by commas, of *, a value, a range a-b, and any of
// them with a step /n. Months and days of the week may be names of three
// letters; Sunday is 0 or 7. A range must ascend, except one of weekday names,
// such as FRI-MON. Day of month also has L (last day), L-n, nW (the weekday
// nearest to day n, in the same month) and LW; day of week also has n#k (the
// k-th n-day of the month), n#L and nL (the last). ? is *.
//
// If both day fields are restricted, a day that matches one of them matches. A
// field that begins with a star, also with a step, is not restricted: then a day
// must match both.
//
// When the clocks change, a schedule whose hour field has every hour is due in
// each real hour, no more and no less. Any other follows the policies [Gap] and
// [Repeat]. A zone in the text, as in CRON_TZ=, is an error; so is @every, for
// which there is [Every], and a schedule that is never due, such as 30 February.
func Cron(expr string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	z, err := newCron(expr, loc)
	if err != nil {
		return nil, fmt.Errorf("stead/periodic: cron %q: %w", clip(expr), err)
	}
	for _, o := range opts {
		if o != nil {
			o.apply(z)
		}
	}
	if z.gap > SkipGap || z.repeat > RepeatBoth {
		return nil, fmt.Errorf("stead/periodic: cron %q: unknown policy", clip(expr))
	}
	return z, nil
}

func newCron(expr string, loc *time.Location) (*zoned, error) {
	text, err := vet(expr)
	if err != nil {
		return nil, err
	}
	parser, err := cron.TryNewParser(cronSyntax)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.WithMaxSearchYears(cronSearchYears).Parse("TZ=UTC " + text)
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("not a calendar schedule")
	}
	if fields := strings.Fields(text); len(fields) >= 5 {
		// The parser takes the mark of a star away when a step follows it.
		if strings.ContainsAny(fields[len(fields)-3][:1], "*?") {
			spec.Dom |= anyValue
		}
		if strings.ContainsAny(fields[len(fields)-1][:1], "*?") {
			spec.Dow |= anyValue
		}
	}
	// What follows 2000 has leap years that begin on each day of the week, so a
	// schedule that is not due in them never is.
	if spec.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("it is never due")
	}
	return &zoned{
		wall: spec, text: fmt.Sprintf("cron %q", strings.Join(strings.Fields(expr), " ")),
		loc: wallclock.OrUTC(loc), hourly: spec.Hour&allHours == allHours,
	}, nil
}

// DailyAt is due each day at a time of day, "15:04" or "15:04:05", in loc; nil is
// UTC. Days when the clocks change follow the policies, as with [Cron], which is
// also for what is due each week or month: "30 6 * * MON", "30 6 L * *".
func DailyAt(at string, loc *time.Location, opts ...CronOption) (Schedule, error) {
	t, err := wallclock.TimeOfDay(at)
	if err != nil {
		return nil, fmt.Errorf("stead/periodic: daily at %q: %w", clip(at), err)
	}
	expr := fmt.Sprintf("%d %d %d * * *", t/time.Second%60, t/time.Minute%60, t/time.Hour)
	s, err := Cron(expr, loc, opts...)
	if z, ok := s.(*zoned); ok {
		z.text = "daily at " + at // nobody else has it yet
	}
	return s, err
}

// clip keeps a long text out of an error message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
