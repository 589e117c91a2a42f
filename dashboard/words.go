package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// count is a number with its noun: "1 item", "2 items".
func count(n int, noun string) string {
	return grouped(uint64(max(n, 0))) + " " + plural(n, noun, noun+"s")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// number is a rate or a mean in at most three digits before it is rounded.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.1:
		return "under 0.1"
	case v < 10:
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	}
	return grouped(uint64(math.Round(v)))
}

// grouped is a whole number with a thin space between thousands.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// span is a duration for people: two units at most, no false digits.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 0:
		return "0 s"
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", max(d.Microseconds(), 1))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Floor(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return twoUnits(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	case d < 48*time.Hour:
		return twoUnits(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
	return twoUnits(int(d/(24*time.Hour)), "d", int(d%(24*time.Hour)/time.Hour), "h")
}

// unbroken is span for a line that may be broken elsewhere.
func unbroken(seconds float64) string { return strings.ReplaceAll(span(seconds), " ", "\u00a0") }

func twoUnits(a int, unitA string, b int, unitB string) string {
	if b == 0 || a >= 10 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// coarse is span in whole units, for times that tick on the page.
func coarse(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return span(d.Truncate(time.Second).Seconds())
}

// dated is the wall-clock time of t in its own zone, without what goes without
// saying: seconds of a whole minute, and the year of now.
func dated(t, now time.Time) string {
	layout := "Mon 2 Jan 2006 15:04:05\u00a0MST" // a time never stands without its zone
	if t.Year() == now.In(t.Location()).Year() {
		layout = strings.Replace(layout, " 2006", "", 1)
	}
	if t.Second() == 0 {
		layout = strings.Replace(layout, ":05", "", 1)
	}
	return t.Format(layout)
}

// when is a time relative to now.
func when(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d > -time.Second && d < time.Second:
		return "now"
	case d < 0:
		return "in " + coarse(-d)
	default:
		return coarse(d) + " ago"
	}
}

// maxClip bounds a text in a list, in characters, and maxText one on a page of its own, in
// bytes: a page may have 25 attempts with an error and a stack each.
const (
	maxClip = 500
	maxText = 5 << 10
)

func clip(text string) string {
	n := 0
	for i := range text {
		if n++; n > maxClip {
			return text[:i] + "…"
		}
	}
	return text
}

// long is a text on a page of its own.
func long(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… and %s", text[:end], count(len(text)-end, "more byte"))
}

// stack is that of a panic on such a page. What is cut of a long one is its middle: who
// panicked is at its beginning, and the program's own code further down.
func stack(text string) string {
	if len(text) <= maxText {
		return text
	}
	const head = maxText / 4
	from, to := strings.LastIndexByte(text[:head], '\n')+1, len(text)-(maxText-head)
	if line := strings.IndexByte(text[to:], '\n'); line >= 0 {
		to += line + 1
	}
	return fmt.Sprintf("%s… %s …\n%s", text[:from], count(to-from, "byte"), text[to:])
}

// plain is a text from outside without what a reader cannot see or what moves other text:
// characters that control, or embed, override or isolate a direction, are written out.
// The marks U+200E, U+200F and U+061C stay: texts in Hebrew or Arabic need them.
func plain(text string) string {
	odd := func(r rune) bool {
		turns := '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
		return turns || unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r'
	}
	if !strings.ContainsFunc(text, odd) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if odd(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
