// Package stacks reads the goroutine profile for the goroutines that carry one
// pprof label.
package stacks

import (
	"bytes"
	"fmt"
	"iter"
	"runtime/pprof"
	"strconv"
	"strings"
)

// Group is one or more goroutines with the same stack and labels.
type Group struct {
	Count  int
	labels string // as the runtime writes them: {"host":"shop", "service":"emails"}
	block  string
}

// With goes through the goroutines whose label key has this value.
//
// The profile in its text form is the only place where the runtime shows the
// labels of other goroutines. 10,000 goroutines take about 20 ms, during which
// the world is stopped for a moment.
func With(key, value string) iter.Seq[Group] { return of("goroutine", key, value) }

// Leaked is With for those of them that can never run again, because what they
// wait for is reachable from no other goroutine. It finds none where the runtime
// has no profile of that: Go 1.26 has it in programs that are built with
// GOEXPERIMENT=goroutineleakprofile. It takes a garbage collection.
func Leaked(key, value string) iter.Seq[Group] { return of("goroutineleak", key, value) }

func of(kind, key, value string) iter.Seq[Group] {
	return func(yield func(Group) bool) {
		var profile bytes.Buffer
		p := pprof.Lookup(kind)
		if p == nil || p.WriteTo(&profile, 1) != nil {
			return
		}
		wanted := fmt.Sprintf("%q:%q", key, value)
		for block := range strings.SplitSeq(profile.String(), "\n\n") {
			_, labels, _ := strings.Cut(block, "\n# labels: ")
			labels, _, _ = strings.Cut(labels, "\n")
			// Names cannot fake the label: their quotation marks are escaped.
			if !strings.Contains(labels, wanted) {
				continue
			}
			if !yield(Group{Count: count(block), labels: labels, block: block}) {
				return
			}
		}
	}
}

// Label is the value of another label of the group, "" if it has none.
func (g Group) Label(key string) string {
	_, rest, found := strings.Cut(g.labels, strconv.Quote(key)+":")
	if !found {
		return ""
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return ""
	}
	value, err := strconv.Unquote(quoted)
	if err != nil {
		return ""
	}
	return value
}

// String turns the lines of the profile,
//
//	#	0x4b2f	main.work+0x2f	/src/main.go:12
//
// into what a stack trace looks like.
func (g Group) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d goroutine(s):\n", g.Count)
	for line := range strings.SplitSeq(g.block, "\n") {
		parts := strings.Fields(line)
		if len(parts) < 4 || parts[0] != "#" || !strings.HasPrefix(parts[1], "0x") {
			continue
		}
		fmt.Fprintf(&b, "%s\n\t%s\n", parts[2], strings.Join(parts[3:], " "))
	}
	return b.String()
}

// count is the number in front of a block's first line, "2 @ 0x47a1 0x4b2f". The
// profile's own heading comes before its first block.
func count(block string) int {
	head, _, _ := strings.Cut(block, " @")
	n, _ := strconv.Atoi(head[strings.LastIndexByte(head, '\n')+1:])
	return n
}
