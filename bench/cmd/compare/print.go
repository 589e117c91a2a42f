package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/steadgo/stead/bench"
)

// printCase writes a line for each contender and column: median and quartiles,
// and the same of the ratio to the reference.
func printCase(w io.Writer, c bench.Case, results []bench.Result) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, column := range c.Columns {
		fmt.Fprintf(tab, "%s\t%s\tquartiles\tratio\tquartiles\n", c.Name, column)
		for _, r := range results {
			if r.Column != column {
				continue
			}
			s, q := bench.Summarize(r.Rounds), bench.Ratio(r, reference(results, r))
			fmt.Fprintf(tab, "  %s\t%.4g\t%.4g-%.4g\t%.2f\t%.2f-%.2f\n",
				r.Contender, s.Median, s.Low, s.High, q.Median, q.Low, q.High)
		}
	}
	fmt.Fprintln(tab)
	_ = tab.Flush()
}

// progress is a bar on standard error, if that is a terminal.
type progress struct {
	terminal    bool
	done, total int
	name        string
}

func newProgress(cases []bench.Case, rounds int) *progress {
	p := &progress{}
	for _, c := range cases {
		p.total += c.Turns(rounds)
	}
	info, err := os.Stderr.Stat()
	p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	return p
}

func (p *progress) begin(name string) {
	p.name = name
	p.draw()
}

func (p *progress) step() {
	p.done++
	p.draw()
}

func (p *progress) draw() {
	if !p.terminal {
		return
	}
	const width = 30
	full := width * p.done / p.total
	fmt.Fprintf(os.Stderr, "\r[%s%s] %3d%% %-40s",
		strings.Repeat("#", full), strings.Repeat(".", width-full), 100*p.done/p.total, p.name)
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprintf(os.Stderr, "\r%80s\r", "")
	}
}
