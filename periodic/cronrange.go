package periodic

import (
	"fmt"
	"strconv"
	"strings"
)

// checkRange checks a star, a value or a range, with or without a step.
func (f *cronField) checkRange(item string) (string, error) {
	span, text, stepped := strings.Cut(item, "/")
	r, err := f.span(span, stepped)
	if err != nil {
		return "", err
	}
	step, most := 1, max(r.size()-1, 1)
	if stepped {
		if step = number(text, 1, most); step < 0 {
			return "", wrong(item, fmt.Sprintf("want a step from 1 to %d after /", most))
		}
	}
	if r.first <= r.last {
		return item, nil
	}
	around := r.list(step)
	if r.cyclic { // FRI-MON is common; the parser counts Sunday twice
		return around, nil
	}
	if !stepped {
		low, high, _ := strings.Cut(span, "-")
		around = fmt.Sprintf("%s-%d,%d-%s", low, f.max, f.min, high)
	}
	return "", wrong(item, fmt.Sprintf("want a range that ascends; did you mean %s?", around))
}

// valueRange is the range from first to last. It wraps around if first is greater.
type valueRange struct {
	first, last, min, modulus int
	cyclic                    bool // it may wrap around
}

func (r valueRange) size() int {
	if r.first <= r.last {
		return r.last - r.first + 1
	}
	return r.last - r.first + r.modulus + 1
}

// list returns each step-th of the values.
func (r valueRange) list(step int) string {
	var values []string
	for i := 0; i < r.size(); i += step {
		values = append(values, strconv.Itoa(r.min+(r.first-r.min+i)%r.modulus))
	}
	return strings.Join(values, ",")
}

// span parses a star, a value or a range. For a single value with a step it returns
// the range to the end of the field.
func (f *cronField) span(span string, stepped bool) (r valueRange, err error) {
	r = valueRange{first: f.min, last: f.max, min: f.min, modulus: f.max - f.min + 1}
	if f.name == dayOfWeek {
		r.modulus = len(weekdayNames) // 7 is 0 again
	}
	if span == "*" || span == "?" {
		return r, nil
	}
	low, high, isRange := strings.Cut(span, "-")
	if low == "" {
		low = span // so that the error for "-1" shows the minus
	}
	var named, alsoNamed bool
	if r.first, named, err = f.value(low); err != nil {
		return r, err
	}
	switch {
	case isRange:
		r.last, alsoNamed, err = f.value(high)
	case !stepped:
		r.last = r.first
	}
	r.cyclic = f.name == dayOfWeek && named && alsoNamed
	return r, err
}
