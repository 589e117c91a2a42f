package hosted

import (
	"bytes"
	"fmt"
	"iter"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
)

// serviceLabel finds the service in a block's line of labels, which the runtime
// writes with %q: # labels: {"host":"shop", "host_id":"1x", "service":"emails"}.
var serviceLabel = regexp.MustCompile(`"service":("(?:[^"\\]|\\.)*")`)

// labelled goes through the goroutines that carry this host's labels: the name
// of the service, and a block of the goroutine profile, which is one stack with
// a count of the goroutines that have it.
//
// The profile in its text form is the only place where the runtime shows the
// labels of other goroutines. 10,000 goroutines take about 20 ms.
func (h *Host) labelled() iter.Seq2[string, string] {
	id := fmt.Sprintf("%q:%q", "host_id", h.id)
	return func(yield func(service, block string) bool) {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			return
		}
		for block := range strings.SplitSeq(profile.String(), "\n\n") {
			_, labels, _ := strings.Cut(block, "\n# labels: ")
			labels, _, _ = strings.Cut(labels, "\n")
			match := serviceLabel.FindStringSubmatch(labels)
			if match == nil || !strings.Contains(labels, id) {
				continue
			}
			name, err := strconv.Unquote(match[1])
			if err == nil && !yield(name, block) {
				return
			}
		}
	}
}

// stacks returns the stacks of the goroutines of every service that has any.
func (h *Host) stacks() map[string]string {
	all := map[string]string{}
	for name, block := range h.labelled() {
		all[name] += frames(block)
	}
	return all
}

// Goroutines counts the goroutines of each service, found by their pprof labels;
// a service without any is not in it. Goroutines that a service started itself
// count, as labels are inherited. It stops the world for a moment, as any
// goroutine profile does: call it when a leak is looked for, not in a loop.
func (h *Host) Goroutines() map[string]int {
	counts := map[string]int{}
	for name, block := range h.labelled() {
		counts[name] += count(block)
	}
	return counts
}

// count is the number in front of a block's first line, "2 @ 0x47a1 0x4b2f". The
// profile's own heading comes before its first block.
func count(block string) int {
	head, _, _ := strings.Cut(block, " @")
	n, _ := strconv.Atoi(head[strings.LastIndexByte(head, '\n')+1:])
	return n
}

// frames turns a block's lines,
//
//	#	0x4b2f	main.work+0x2f	/src/main.go:12
//
// into what a stack trace looks like.
func frames(block string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d goroutine(s):\n", count(block))
	for line := range strings.SplitSeq(block, "\n") {
		parts := strings.Fields(line)
		if len(parts) < 4 || parts[0] != "#" || !strings.HasPrefix(parts[1], "0x") {
			continue
		}
		fmt.Fprintf(&b, "%s\n\t%s\n", parts[2], strings.Join(parts[3:], " "))
	}
	return b.String()
}
