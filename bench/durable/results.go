package durable

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Results is everything that one run measured, with every round.
type Results struct {
	When    time.Time    `json:"when"`
	Machine lab.Machine  `json:"machine"`
	Stores  []Store      `json:"stores"`
	Targets []lab.Target `json:"targets"`
}

// Targets compares what was measured with what is promised.
func Targets(stores []Store) (all []lab.Target) {
	for _, s := range stores {
		add := func(limit, got float64, what string) {
			all = append(all, lab.Target{Name: what + ", " + s.Name, Limit: limit, Got: got, Met: got > 0 && got <= limit})
		}
		add(1.05, s.ratio(Round.enqueue), "enqueue, times the engine's")
		add(1.05, s.ratio(Round.drain), "drain, times the engine's")
		if s.Name == "sqlite" {
			add(10, s.Drained, "s for 5,000 jobs with 10 workers")
			add(60, quantile(s.Probes, 0.95), "ms from enqueue to start when idle, p95")
		}
	}
	return all
}

func (r Round) enqueue() float64 { return r.EnqueueMicros }
func (r Round) drain() float64   { return r.DrainMicros }

// ratio is the median over the turns of how many times the engine's time it took.
// Both of a turn met about the same machine.
func (s Store) ratio(of func(Round) float64) float64 {
	var all []float64
	for i, r := range s.Rounds["durable"] {
		all = append(all, of(r)/of(s.Rounds["river"][i]))
	}
	return quantile(all, 0.5)
}

func (s Store) median(contender string, of func(Round) float64) float64 {
	var all []float64
	for _, r := range s.Rounds[contender] {
		all = append(all, of(r))
	}
	return quantile(all, 0.5)
}

// quantile is 0 of nothing.
func quantile(all []float64, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// Write prints the medians and the targets.
func (r Results) Write(out io.Writer) {
	fmt.Fprintf(out, "%v\n\n", r.Machine)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tenqueue, us\tdrain, us a job\t5,000 jobs with 10 workers, s\tidle p50, ms\tidle p95, ms\t")
	for _, s := range r.Stores {
		fmt.Fprintf(w, "river, %s\t%.0f\t%.1f\t\t\t\t\n", s.Name, s.median("river", Round.enqueue), s.median("river", Round.drain))
		fmt.Fprintf(w, "durable, %s\t%.0f\t%.1f\t%.2f\t%.1f\t%.1f\t\n", s.Name, s.median("durable", Round.enqueue),
			s.median("durable", Round.drain), s.Drained, quantile(s.Probes, 0.5), quantile(s.Probes, 0.95))
	}
	_ = w.Flush()
	lab.WriteTargets(out, r.Targets)
}
