package periodic

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The errors of the parser mention its own options, and the parser accepts what is more
// often a typing error than intended: 5-1 as a range around the end, 61/2, an empty item.
// So every item is checked here, before the parser sees it. An error says which field and
// value is wrong and what is allowed.

// checkCron checks the text of a crontab line and returns it in the syntax of the
// parser.
func checkCron(expr string) (string, error) {
	switch {
	case len(expr) > cronMaxLength:
		return "", fmt.Errorf("longer than %d bytes", cronMaxLength)
	case strings.Contains(expr, "="):
		return "", errors.New("a time zone belongs into the argument loc, not into the text")
	}
	for _, r := range expr {
		if r > 126 || (r < ' ' && r != '\t') {
			return "", fmt.Errorf("character %q, want letters, digits and * , - / # ?", r)
		}
	}
	words := strings.Fields(expr)
	if len(words) > 0 && words[0][0] == '@' {
		return checkNickname(words)
	}
	if len(words) != 5 && len(words) != 6 {
		return "", wrongCount(words)
	}
	fields := cronFields[len(cronFields)-len(words):]
	for i, word := range words {
		items := strings.Split(strings.ToUpper(word), ",")
		for n, item := range items {
			checked, err := fields[i].check(item)
			if err != nil {
				return "", fmt.Errorf("%s: %w", fields[i].name, err)
			}
			items[n] = checked
		}
		words[i] = strings.Join(items, ",")
	}
	return strings.Join(words, " "), nil
}

var cronNicknames = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}

// checkNickname checks a text that begins with an @. @every and @reboot, which
// other programs know, are not times of a calendar; the error names what to use for
// them.
func checkNickname(words []string) (string, error) {
	name := strings.ToLower(words[0])
	switch {
	case name == "@every":
		return "", errors.New("for a period there is the schedule Every")
	case name == "@reboot":
		return "", errors.New("for a run at the start there is Config.RunAtStart")
	case len(words) > 1:
		return "", fmt.Errorf("nothing may follow %s", clip(name))
	case !slices.Contains(cronNicknames, name):
		return "", fmt.Errorf("want one of %s", strings.Join(cronNicknames, ", "))
	}
	return name, nil
}

// wrongCount returns the error for a text that does not have 5 or 6 fields.
func wrongCount(words []string) error {
	hint, plural := "", "s"
	if len(words) == 1 {
		plural = ""
		if _, err := time.ParseDuration(words[0]); err == nil {
			hint = "; for a period there is the schedule Every"
		} else if strings.Contains(words[0], ":") {
			hint = "; for a time of day there is DailyAt"
		}
	}
	if len(words) == 7 {
		hint = "; for years there is the schedule Bounded"
	}
	return fmt.Errorf("it has %d field%s, want 5 (minute, hour, day of month, month, day of week) or 6 with second before them%s",
		len(words), plural, hint)
}

// cronField says what one field may contain. A number beyond its bounds would pass
// the parser if a step follows it.
type cronField struct {
	name     string
	min, max int
	names    []string // names of the values from first on
	first    int
}

const (
	dayOfMonth = "day of month"
	dayOfWeek  = "day of week"
)

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

	cronFields = [...]cronField{
		{name: "second", max: 59},
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: dayOfMonth, min: 1, max: 31},
		{name: "month", min: 1, max: 12, names: monthNames, first: 1},
		{name: dayOfWeek, max: 7, names: weekdayNames},
	}
)

// check checks an item of the list of a field, in upper case, and returns it in the
// syntax of the parser.
func (f *cronField) check(item string) (string, error) {
	day, ordinal, counted := strings.Cut(item, "#")
	switch {
	case item == "":
		return "", errors.New("an item of the list is empty")
	case f.name == dayOfMonth && (item[0] == 'L' || strings.HasSuffix(item, "W")):
		return checkDayOfMonth(item)
	case f.name == dayOfWeek && counted:
		if ordinal != "L" && number(ordinal, 1, 5) < 0 {
			return "", wrong(item, "want a number from 1 to 5, or L for the last, after #")
		}
		return item, f.single(day)
	case f.name == dayOfWeek && item == "L":
		return "", wrong(item, "want a day before L, such as FRIL for the last Friday of the month")
	case f.name == dayOfWeek && strings.HasSuffix(item, "L"):
		day = item[:len(item)-1]
		return day + "#L", f.single(day)
	}
	return f.checkRange(item)
}

// checkDayOfMonth checks the items that only a day of the month has.
func checkDayOfMonth(item string) (string, error) {
	rest, last := strings.CutPrefix(item, "L")
	if !last {
		if number(item[:len(item)-1], 1, 31) < 0 {
			return "", wrong(item, "want a day from 1 to 31, or L, before W")
		}
		return item, nil
	}
	before, nearest := strings.CutPrefix(rest, "W")
	if !nearest {
		before, nearest = strings.CutSuffix(rest, "W")
	}
	days, ahead := strings.CutPrefix(before, "-")
	switch {
	case before == "":
		return item, nil
	case !ahead:
		return "", wrong(item, "want L, LW, L-n or L-nW")
	case number(days, 1, 30) < 0:
		return "", wrong(item, "want a number of days from 1 to 30 after L-")
	case nearest: // LW-n means the same
		return "L-" + days + "W", nil
	}
	return item, nil
}

// single checks that s is one value.
func (f *cronField) single(s string) error {
	_, _, err := f.value(s)
	return err
}

// value returns the value of a number or a name.
func (f *cronField) value(s string) (n int, named bool, err error) {
	if n = number(s, f.min, f.max); n >= 0 {
		return n, false, nil
	}
	if i := slices.Index(f.names, s); i >= 0 {
		return f.first + i, true, nil
	}
	want := fmt.Sprintf("%d to %d", f.min, f.max)
	if n := len(f.names); n > 0 {
		want += " or " + f.names[0] + " to " + f.names[n-1]
	}
	return 0, false, wrong(s, "want "+want+f.hint(s))
}

func wrong(item, why string) error { return fmt.Errorf("%q, %s", clip(item), why) }

// hint suggests what was probably meant by s, which is not a value of the field.
func (f *cronField) hint(s string) string {
	if f.min == 0 && f.names == nil && s == strconv.Itoa(f.max+1) {
		return "; did you mean 0?"
	}
	if like := alike(f.names, s); len(like) > 0 {
		return fmt.Sprintf("; did you mean %s?", strings.Join(like, " or "))
	}
	for _, other := range cronFields {
		if len(alike(other.names, s)) > 0 {
			return "; that is a " + other.name
		}
	}
	return ""
}

// alike returns the names of which s is a prefix, or that are a prefix of s.
func alike(names []string, s string) (like []string) {
	for _, name := range names {
		if len(s) > 1 && (strings.HasPrefix(name, s) || strings.HasPrefix(s, name)) {
			like = append(like, name)
		}
	}
	return like
}

// number returns s as a number if it consists of digits, leading zeros allowed, and
// is from low to high. Otherwise it returns -1.
func number(s string, low, high int) int {
	n, err := strconv.Atoi(s)
	if err != nil || s[0] == '+' || n < low || n > high {
		return -1
	}
	return n
}
