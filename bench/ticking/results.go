package ticking

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Results is everything that one run measured, with every round.
type Results struct {
	When    time.Time    `json:"when"`
	Machine lab.Machine  `json:"machine"`
	Window  int          `json:"window_seconds"`
	Series  []Series     `json:"series"`
	Next    []Next       `json:"next"`
	Targets []lab.Target `json:"targets"`
}

// Read returns what lab.Save wrote.
func Read(path string) (r Results, err error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the caller's
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// Add puts what was measured later beside what r has, in place of the same
// contender with the same number of jobs, and judges all of it anew. The machine
// and the date are those of the later one.
func (r Results) Add(later Results) Results {
	for _, old := range r.Series {
		if !slices.ContainsFunc(later.Series, func(s Series) bool { return s.Contender == old.Contender && s.Jobs == old.Jobs }) {
			later.Series = append(later.Series, old)
		}
	}
	order := map[string]int{}
	for i, c := range Contenders() {
		order[c.Name] = i
	}
	slices.SortStableFunc(later.Series, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.Jobs, b.Jobs), cmp.Compare(order[a.Contender], order[b.Contender]))
	})
	later.Targets = Targets(later.Series, later.Next)
	return later
}

// Write prints what was measured as tables of medians.
func (r Results) Write(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%v, %d s each\n", r.Machine, r.Window)
	for _, n := range sizes(r.Series) {
		r.writeSize(out, w, n)
	}
	fmt.Fprintln(out, "\nNext slot of a cron schedule in a time zone, ns")
	fmt.Fprintln(w, "\tstead\trobfig\tratio\tallocations\t")
	for _, n := range r.Next {
		fmt.Fprintf(w, "%s %s\t%.0f\t%.0f\t%.2f\t%.0f\t\n", n.Expr, n.Zone, n.Stead.Median, n.Robfig.Median, n.Ratio.Median, n.Allocs)
	}
	_ = w.Flush()
	lab.WriteTargets(out, r.Targets)
}

func (r Results) writeSize(out io.Writer, w *tabwriter.Writer, n int) {
	fmt.Fprintf(out, "\n%d jobs once a second: set-up in ms, bytes for each job at rest and after runs, goroutines at rest;\n"+
		"CPU in %% of a core, slots run in %%, lateness in ms\n", n)
	fmt.Fprint(w, "\tset-up\tbytes\tafter\tgoroutines\t")
	for _, m := range modes {
		fmt.Fprintf(w, "%s: CPU\trun\tp50\tp99\t", m.name)
	}
	fmt.Fprintln(w)
	var skipped []Series
	for _, s := range r.Series {
		if s.Jobs != n {
			continue
		}
		if s.Skipped != "" {
			skipped = append(skipped, s)
		}
		if len(s.Samples) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.0f\t%.0f\t%.0f\t", s.Contender,
			s.Of(setUp).Median, s.Of(bytes).Median, s.Of(modes[1].after).Median, s.Of(goroutines).Median)
		for _, m := range modes {
			fmt.Fprintf(w, "%.1f\t%.2f\t%.2f\t%.2f\t",
				s.Of(m.cpu).Median, 100*s.Of(m.share).Median, s.Of(m.p50).Median, s.Of(m.p99).Median)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	for _, s := range skipped {
		fmt.Fprintf(out, "  %s: left out after %d rounds: %s\n", s.Contender, len(s.Samples), s.Skipped)
	}
}
