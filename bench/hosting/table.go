package hosting

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Write prints what was measured as tables.
func (r Results) Write(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.Machine.Go != "" {
		fmt.Fprintln(out, r.Machine)
	}
	for _, n := range sizes(r.Series) {
		fmt.Fprintf(out, "\n%d services, for each: start and stop together; a ratio is the median of neighboring rounds\n", n)
		fmt.Fprintln(w, "\tns\tquartiles\tmin\tstart\tstop\tcpu ns\tbytes\tallocs\tgoroutines\tto floor\tto stead\t")
		floor, stead := find(r.Series, Floor, n), find(r.Series, Stead, n)
		for _, s := range r.Series {
			if s.Services != n {
				continue
			}
			t := s.Of(Sample.NS)
			fmt.Fprintf(w, "%s\t%.0f\t%.0f-%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t%.2f\t\n",
				s.Contender, t.Median, t.Low, t.High, t.Min,
				s.Of(func(s Sample) float64 { return s.StartNS }).Median,
				s.Of(func(s Sample) float64 { return s.StopNS }).Median,
				s.Of(cpuNS).Median, s.Of(bytes).Median, s.Of(allocs).Median, s.Of(goroutines).Median,
				Ratio(s, floor, Sample.NS).Median, Ratio(s, stead, Sample.NS).Median)
		}
		_ = w.Flush()
	}
	if len(r.Graphs) > 0 {
		fmt.Fprintln(out, "\nStart of services that come after others")
		fmt.Fprintln(w, "\tms\tquartiles\t")
		for _, g := range r.Graphs {
			fmt.Fprintf(w, "%s\t%.2f\t%.2f-%.2f\t\n", g.Name, g.MS.Median, g.MS.Low, g.MS.High)
		}
		_ = w.Flush()
	}
	if len(r.Binaries) > 0 {
		fmt.Fprintln(out, "\nLinked size of a minimal program (-trimpath, -s -w, no cgo)")
		fmt.Fprintln(w, "\tkB\tmore than empty\t")
		for _, b := range r.Binaries {
			fmt.Fprintf(w, "%s\t%d\t%d\t\n", b.Name, b.Bytes/1000, (b.Bytes-r.Binaries[0].Bytes)/1000)
		}
		_ = w.Flush()
	}
	lab.WriteTargets(out, r.Targets)
}
