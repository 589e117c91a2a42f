package periodic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
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
		if fields[len(fields)-3][0] == '*' {
			spec.Dom |= anyValue
		}
		if fields[len(fields)-1][0] == '*' {
			spec.Dow |= anyValue
		}
	}
	// What follows 2000 has leap years that begin on each day of the week, so a
	// schedule that is not due in them never is.
	if spec.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("is never due")
	}
	return &zoned{wall: spec, loc: orUTC(loc), hourly: spec.Hour&allHours == allHours}, nil
}

// vet refuses what the parser would read in a surprising way, or hang or panic
// on in some version, and brings the text into its dialect.
func vet(expr string) (string, error) {
	switch {
	case len(expr) > cronMaxLength:
		return "", fmt.Errorf("longer than %d bytes", cronMaxLength)
	case strings.Contains(expr, "="):
		return "", errors.New("a time zone belongs into the loc argument, not into the text")
	}
	for _, r := range expr {
		if r > 126 || (r < ' ' && r != '\t') {
			return "", fmt.Errorf("character %q", r)
		}
	}
	fields := strings.Fields(strings.ToUpper(expr))
	if len(fields) == 1 && strings.HasPrefix(fields[0], "@") {
		return strings.ToLower(fields[0]), nil
	}
	if len(fields) > 0 && strings.HasPrefix(fields[0], "@EVERY") {
		return "", errors.New("use the schedule Every instead of @every")
	}
	if len(fields) != 5 && len(fields) != 6 {
		return "", fmt.Errorf("has %d fields, want 5 or 6", len(fields))
	}
	bounds := fieldBounds[len(fieldBounds)-len(fields):]
	for i := range fields {
		items := strings.Split(fields[i], ",")
		for n, item := range items {
			if err := bounds[i].vet(item); err != nil {
				return "", fmt.Errorf("field %d: %w", i+1, err)
			}
			last := len(item) - 1
			if bounds[i].weekday && last > 0 && item[last] == 'L' && !strings.Contains(item, "#") {
				items[n] = item[:last] + "#L" // the parser knows only 5#L
			}
		}
		fields[i] = strings.Join(items, ",")
	}
	return strings.Join(fields, " "), nil
}

// fieldRange is the numbers a field may have.
type fieldRange struct {
	min, max int
	weekday  bool
}

var fieldBounds = [...]fieldRange{{0, 59, false}, {0, 59, false}, {0, 23, false}, {1, 31, false}, {1, 12, false}, {0, 7, true}}

// vet refuses an empty item, a number out of bounds, which the parser lets through
// before a step, and a descending range. The parser reads 5-1 as a range around
// the end, which is more often a typing error than wanted; among weekday names it
// is how people speak.
func (f fieldRange) vet(item string) error {
	if item == "" {
		return errors.New("empty item in a list")
	}
	span, _, _ := strings.Cut(item, "/")
	low, high, isRange := strings.Cut(span, "-")
	if low == "L" {
		return nil
	}
	first, named, err := f.value(low)
	if err != nil || !isRange {
		return err
	}
	last, alsoNamed, err := f.value(high)
	wraps := f.weekday && named && alsoNamed
	if err == nil && first > last && !wraps {
		err = fmt.Errorf("range %s descends", span)
	}
	return err
}

// value is that of a number or a name; the parser judges what is neither.
func (f fieldRange) value(s string) (n int, named bool, err error) {
	if n, err = strconv.Atoi(s); err == nil {
		if n < f.min || n > f.max {
			err = fmt.Errorf("%d is not between %d and %d", n, f.min, f.max)
		}
		return n, false, err
	}
	if errors.Is(err, strconv.ErrRange) {
		return 0, false, fmt.Errorf("%s is not between %d and %d", clip(s), f.min, f.max)
	}
	if i := strings.Index("SUNMONTUEWEDTHUFRISAT", s); i >= 0 {
		return i / 3, true, nil
	}
	return strings.Index("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", s)/3 + 1, true, nil
}

// clip keeps a long text out of an error message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
