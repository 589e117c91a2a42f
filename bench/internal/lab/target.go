package lab

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// Target is something that was promised and what was measured of it.
type Target struct {
	Name  string  `json:"name"`
	Limit float64 `json:"limit"`
	Got   float64 `json:"got"`
	Met   bool    `json:"met"`
}

// Missed are those of the targets that were not met.
func Missed(targets []Target) (missed []Target) {
	for _, t := range targets {
		if !t.Met {
			missed = append(missed, t)
		}
	}
	return missed
}

// WriteTargets prints them as a table.
func WriteTargets(out io.Writer, targets []Target) {
	if len(targets) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\nTargets, by medians")
	fmt.Fprintln(w, "\tat most\tgot\t\t")
	for _, t := range targets {
		verdict := "met"
		if !t.Met {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%g\t%.3f\t%s\t\n", t.Name, t.Limit, t.Got, verdict)
	}
	_ = w.Flush()
}

// Check names on standard error what was missed, and is an error if anything was.
func Check(targets []Target) error {
	missed := Missed(targets)
	for _, t := range missed {
		fmt.Fprintf(os.Stderr, "missed: %s: %.3f, at most %g\n", t.Name, t.Got, t.Limit)
	}
	if len(missed) > 0 {
		return fmt.Errorf("%d of %d targets missed", len(missed), len(targets))
	}
	return nil
}
