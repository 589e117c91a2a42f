// Package stacks finds the goroutines with a given pprof label in the goroutine
// profile.
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

// With returns the goroutines whose label key has the given value.
//
// Only the text form of the profile shows the labels of other goroutines. For
// 10,000 goroutines it takes about 20 ms, with a short stop of the world.
func With(key, value string) iter.Seq[Group] { return of("goroutine", key, value) }

// Leaked returns those of With that can never run again, because no other goroutine
// can reach what they wait for. It returns none if the runtime has no such profile.
// Go 1.26 has it in programs that are built with GOEXPERIMENT=goroutineleakprofile.
// It runs a garbage collection.
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
			// A name cannot fake the label, because its quotation marks are escaped.
			if !strings.Contains(labels, wanted) {
				continue
			}
			if !yield(Group{Count: count(block), labels: labels, block: block}) {
				return
			}
		}
	}
}

// Label returns the value of another label of the group, or "".
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

// String formats the lines of the profile,
//
//	#	0x4b2f	main.work+0x2f	/src/main.go:12
//
// like a stack trace.
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

// count returns the number at the beginning of the first line of a block, "2 @
// 0x47a1 0x4b2f". The first block is preceded by the heading of the profile.
func count(block string) int {
	head, _, _ := strings.Cut(block, " @")
	n, _ := strconv.Atoi(head[strings.LastIndexByte(head, '\n')+1:])
	return n
}
