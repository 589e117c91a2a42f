package dashboard

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// group is the failures of one queue whose errors differ in their varying parts only.
type group struct {
	Error       string // with a … for each of those
	Count       int
	First, Last time.Time
	Newest      Failure
	Expected    bool // all of them are
}

// varying is what is different from item to item: what is quoted or in angle brackets,
// addresses, UUIDs and other long hexadecimal numbers, and numbers, with what joins them
// to an address, a version or a time.
var varying = regexp.MustCompile(`"[^"]*"|'[^']*'|<[^<>]*>` +
	`|[\w.+-]+@[\w-]+(?:\.[\w-]+)+` +
	`|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b` +
	`|\b(?:0x)?[0-9a-fA-F]*[0-9][0-9a-fA-F]{6,}[0-9a-fA-F]\b` +
	`|\d+(?:[.:/-]\d+)*`)

// maxPattern bounds what a form has to carry, in bytes.
const maxPattern = 300

// pattern is an error without its varying parts. A number of three digits from 100 to 599
// stays: it is a status of HTTP or SMTP more often than anything else.
func pattern(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 4*maxPattern {
		text = text[:4*maxPattern]
	}
	text = varying.ReplaceAllStringFunc(text, func(part string) string {
		if len(part) == 3 && part[0] >= '1' && part[0] <= '5' && strings.Trim(part, "0123456789") == "" {
			return part
		}
		return "…"
	})
	for len(text) > maxPattern || !utf8.ValidString(text) {
		if len(text) > maxPattern {
			text = text[:maxPattern]
		}
		text = strings.ToValidUTF8(text, "")
	}
	return text
}

// groupsOf are the failures of a queue by their error, the one that happened last on top.
func groupsOf(failures []Failure) []group {
	at := map[string]int{}
	var all []group
	for _, f := range failures { // newest first
		p := pattern(f.Error)
		i, known := at[p]
		if !known {
			i = len(all)
			at[p] = i
			all = append(all, group{Error: p, Last: f.Time, Newest: f, Expected: true})
		}
		g := &all[i]
		g.Count++
		g.First = f.Time
		g.Expected = g.Expected && f.Expected
	}
	slices.SortStableFunc(all, func(a, b group) int { return b.Last.Compare(a.Last) })
	return all
}

// unexpected are the failures that nobody had to expect.
func (q *Queue) unexpected() []Failure {
	return slices.DeleteFunc(slices.Clone(q.Failures), func(f Failure) bool { return f.Expected })
}
