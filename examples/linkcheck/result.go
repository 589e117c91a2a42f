package main

import (
	"fmt"
	"strings"
)

// result is a whole walk.
type result struct {
	checked int
	broken  []broken
}

type broken struct {
	address string
	err     error
	pages   []string // where the link is
}

// String returns a list for people.
func (r result) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%d links checked, %d broken\n", r.checked, len(r.broken))
	for _, b := range r.broken {
		fmt.Fprintf(&text, "  %s: %v\n", b.address, b.err)
		for _, page := range b.pages {
			fmt.Fprintf(&text, "      on %s\n", page)
		}
	}
	return text.String()
}
