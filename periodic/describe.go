package periodic

import (
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/internal/slots"
)

// The texts of schedules, for people. They say what was configured, so that a reader of
// a page can check the next slot against it. They may change.

// inside returns the text of s as a part of another text.
func inside(s Schedule) string {
	text := slots.Text(s)
	switch s.(type) {
	case union, except, bounded:
		return "(" + text + ")"
	}
	if text == "" {
		return fmt.Sprintf("%T", s)
	}
	return text
}

func (r rate) String() string  { return "every " + r.d.String() }
func (d delay) String() string { return d.d.String() + " after each run" }

func (l list) String() string {
	switch len(l) {
	case 0:
		return "never"
	case 1:
		return "at " + instant(l[0])
	default:
		return fmt.Sprintf("at %s and %d later", instant(l[0]), len(l)-1)
	}
}

// maxShown bounds the text of a union.
const maxShown = 5

func (u union) String() string {
	if len(u) == 0 {
		return "never"
	}
	var parts []string
	for i, s := range u {
		if i == maxShown {
			parts = append(parts, fmt.Sprintf("%d more", len(u)-i))
			break
		}
		parts = append(parts, inside(s))
	}
	return strings.Join(parts, " or ")
}

func (e except) String() string {
	noun := "calendars"
	if len(e.calendars) == 1 {
		noun = "calendar"
	}
	return fmt.Sprintf("%s except %d %s", inside(e.schedule), len(e.calendars), noun)
}

func (b bounded) String() string {
	text := inside(b.Schedule)
	if !b.from.IsZero() {
		text += " from " + instant(b.from)
	}
	if !b.until.IsZero() {
		text += " until " + instant(b.until)
	}
	return text
}

func (z *zoned) String() string {
	text := z.text + " " + z.loc.String()
	if z.andDays {
		text += ", on days that match both"
	}
	if z.hourly {
		return text // no policy applies
	}
	if z.gap == SkipGap {
		text += ", not in gaps"
	}
	switch z.repeat {
	case z.usual:
	case RepeatBoth:
		text += ", twice when repeated"
	default:
		text += ", once when repeated"
	}
	return text
}

func instant(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }
