package durable

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What one of the stores would refuse is refused here, at the call that brings it: by
// the same rules for both stores, and with an error that says what is wrong where.
const (
	maxItem  = 16 << 20 // bytes of JSON; PostgreSQL sends batches of them as one value
	maxDepth = 500      // SQLite reads 1,000 levels, of which the engine needs some
	maxExp   = 10_000   // of a number: PostgreSQL keeps 16,383 digits after the point
	maxName  = 256      // bytes of a name, which is in an index
	maxTries = 10_000   // attempts of a job; PostgreSQL counts them in 16 bits
)

// checkItem returns why the JSON of an item cannot be stored. It is valid JSON.
func checkItem(raw []byte) error {
	switch {
	case len(raw) > maxItem:
		return fmt.Errorf("the item is %d bytes of JSON, more than %d", len(raw), maxItem)
	case !utf8.Valid(raw):
		return errors.New("the item is not UTF-8")
	}
	s := itemScanner{raw: raw}
	for s.at < len(raw) {
		if reason := s.next(); reason != "" {
			return fmt.Errorf("the item%s %s", s.where(), reason)
		}
	}
	return nil
}

// itemScanner goes through valid JSON without spaces between its parts.
type itemScanner struct {
	raw  []byte
	at   int
	open []container
}

// container is an object or a list that the scanner is in.
type container struct {
	key    string // the member of an object, as it is written
	index  int    // the element of a list
	object bool
	inKey  bool // the next string is a key
}

// next skips one part and returns what is wrong with it.
func (s *itemScanner) next() (reason string) {
	top := len(s.open) - 1
	switch c := s.raw[s.at]; {
	case c == '{' || c == '[':
		if len(s.open) == maxDepth {
			return fmt.Sprintf("is nested deeper than %d levels", maxDepth)
		}
		s.open = append(s.open, container{object: c == '{', inKey: c == '{'})
	case c == '}' || c == ']':
		s.open = s.open[:top]
	case c == ',':
		s.open[top].index++
		s.open[top].inKey = s.open[top].object
	case c == ':':
		s.open[top].inKey = false
	case c == '"':
		return s.text()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	s.at++
	return ""
}

// text skips a string.
func (s *itemScanner) text() (reason string) {
	from := s.at + 1
	end := from
	for s.raw[end] != '"' {
		size := 1
		if s.raw[end] == '\\' {
			size = 2
			if s.raw[end+1] == 'u' {
				size, reason = unicodeEscape(s.raw[end:], reason)
			}
		}
		end += size
	}
	s.at = end + 1
	if top := len(s.open) - 1; top >= 0 && s.open[top].inKey {
		s.open[top].key = string(s.raw[from:end])
	}
	return reason
}

// unicodeEscape returns how long the escape at the beginning of raw is, with the
// second half of a pair, and what is wrong if nothing was so far.
func unicodeEscape(raw []byte, before string) (size int, reason string) {
	const one = len(`\u0000`)
	code, _ := strconv.ParseUint(string(raw[2:one]), 16, 16)
	switch {
	case before != "":
	case code == 0:
		before = "has a NUL character"
	case code >= 0xdc00 && code < 0xe000:
		before = "has half a character"
	case code >= 0xd800 && code < 0xdc00:
		if len(raw) >= 2*one && raw[one] == '\\' && raw[one+1] == 'u' {
			if low, _ := strconv.ParseUint(string(raw[one+2:2*one]), 16, 16); low >= 0xdc00 && low < 0xe000 {
				return 2 * one, ""
			}
		}
		before = "has half a character"
	}
	return one, before
}

// number skips a number.
func (s *itemScanner) number() (reason string) {
	end := s.at
	for end < len(s.raw) && strings.IndexByte("+-.0123456789eE", s.raw[end]) >= 0 {
		end++
	}
	text := string(s.raw[s.at:end])
	s.at = end
	exp := 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exp, err = strconv.Atoi(text[i+1:]); err != nil {
			exp = maxExp + 1
		}
	}
	if max(exp, -exp) > maxExp || len(text) > maxExp/10 {
		return "is a number that is too long"
	}
	return ""
}

// where is the path to what the scanner looks at, such as .Lines[2].Text.
func (s *itemScanner) where() string {
	var b strings.Builder
	for _, c := range s.open {
		switch {
		case !c.object:
			fmt.Fprintf(&b, "[%d]", c.index)
		case c.key != "":
			b.WriteString("." + cut(c.key, maxName))
		}
	}
	return cut(b.String(), maxName)
}

// checkName returns why a name cannot be stored.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name is %d bytes, more than %d", len(name), maxName)
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	case strings.ContainsRune(name, 0):
		return errors.New("the name has a NUL character")
	}
	return nil
}

// checkDue returns why a job cannot be due at t. A job that waits for others is due in the
// year 9999.
func checkDue(t time.Time) error {
	if y := t.UTC().Year(); y < 1 || y > 9998 {
		return fmt.Errorf("the year is not from 1 to 9998: %d", y)
	}
	return nil
}

// checkTime returns why a time is none of the store's: SQLite compares them as text, with
// four digits for the year.
func checkTime(t time.Time) error {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("the year is not from 1 to 9999: %d", y)
	}
	return nil
}

// maxError is how many bytes of an error's text are stored: each attempt adds one.
const maxError = 16 << 10

// storableText returns a text that is not ours, such as that of an error, as every
// store takes it.
func storableText(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
	return cut(text, maxError)
}

// cut returns the beginning of a text that is longer than most.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s... (%d bytes more)", text[:end], len(text)-end)
}
