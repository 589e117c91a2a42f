package dashboard

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// cronText is what package periodic says of a cron schedule: cron "30 2 * * *" Europe/Berlin.
var cronText = regexp.MustCompile(`cron "(\d+|\*|\*/\d+) (\d+|\*|\*/\d+) (\d+|\*) \* (\S+)" (\S+)`)

// RuleInWords returns the rules of a schedule in words, such as "daily 02:30 Europe/Berlin".
// If they are not simple enough for that, it returns "".
func (v *view) RuleInWords(rule string) string {
	found := false
	words := cronText.ReplaceAllStringFunc(rule, func(one string) string {
		m := cronText.FindStringSubmatch(one)
		said := cronInWords(m[1], m[2], m[3], m[4])
		if said == "" {
			return one
		}
		found = true
		return said + " " + m[5]
	})
	if !found {
		return ""
	}
	return words
}

func cronInWords(minute, hour, day, weekday string) string {
	on := "daily"
	switch {
	case day != "*" && weekday != "*":
		return ""
	case day != "*":
		on = "on day " + day + " of each month,"
	case weekday != "*":
		if on = weekdays(weekday); on == "" {
			return ""
		}
	}
	every, stepped := strings.CutPrefix(minute, "*/")
	m, errM := strconv.Atoi(minute)
	h, errH := strconv.Atoi(hour)
	switch {
	case errM == nil && errH == nil:
		return fmt.Sprintf("%s %02d:%02d", on, h, m)
	case on != "daily":
		return ""
	case stepped && hour == "*" && dividesHour(every):
		return "every " + every + " minutes"
	case minute == "*" && hour == "*":
		return "every minute"
	case errM == nil && hour == "*":
		return fmt.Sprintf("hourly at minute %d", m)
	}
	return ""
}

// dividesHour: */25 is at 0, 25 and 50 minutes, which is not every 25 minutes.
func dividesHour(step string) bool {
	n, err := strconv.Atoi(step)
	return err == nil && n > 1 && 60%n == 0
}

var dayNames = map[string]string{
	"0": "Sunday", "1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday", "6": "Saturday", "7": "Sunday",
	"SUN": "Sunday", "MON": "Monday", "TUE": "Tuesday", "WED": "Wednesday", "THU": "Thursday", "FRI": "Friday", "SAT": "Saturday",
}

// weekdays are the days of a field in words; "" for what is not a day, a list or a range.
func weekdays(field string) string {
	var parts []string
	for one := range strings.SplitSeq(strings.ToUpper(field), ",") {
		from, to, isRange := strings.Cut(one, "-")
		first, last := dayNames[from], dayNames[to]
		switch {
		case first == "" || isRange && last == "":
			return ""
		case isRange:
			parts = append(parts, first+" to "+last)
		default:
			parts = append(parts, first)
		}
	}
	return strings.Join(parts, ", ")
}

// WhyLate returns why a run of a schedule has not begun or began late, or "" if neither is so.
func (v *view) WhyLate(j Schedule) string {
	switch {
	case !j.StuckInNext.IsZero():
		return "It does not say when it is due: its rule, which is code of the program, has not returned."
	case j.GaveUp:
		return "It gave up after " + count(j.Streak, "failed run") + " in a row. A trigger makes it go on."
	case j.Paused:
		return "It is paused: nothing runs until somebody resumes it."
	case j.Waiting > 0 && j.Running > 0:
		return fmt.Sprintf("%s for the run to end that began %s.", plural(j.Waiting, "A slot waits", count(j.Waiting, "slot")+" wait"), when(j.LastStarted, v.State.Time))
	case j.Waiting > 0:
		return plural(j.Waiting, "A slot waits", count(j.Waiting, "slot")+" wait") + " for a place: its scheduler runs no more at a time."
	case !j.RetryAt.IsZero():
		return "Its last run failed. It is tried again " + when(j.RetryAt, v.State.Time) + "."
	case j.Running > 0 && j.Skipped.Overlap > 0:
		return fmt.Sprintf("A run began %s and is running. Slots that pass meanwhile are skipped: %s so far.", when(j.LastStarted, v.State.Time), grouped(j.Skipped.Overlap))
	case j.Last != nil && j.Last.LatenessSeconds >= time.Second.Seconds():
		return "Its last run began " + span(j.Last.LatenessSeconds) + " after it was due."
	}
	return ""
}
