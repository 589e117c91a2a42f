package ticking

import (
	"fmt"

	"github.com/steadgo/stead/bench/internal/lab"
)

// whole is the share of slots from which on a library counts as a rival: one that
// does not run the jobs needs little for it.
const whole = 0.99

// Targets compares medians with what Stead promises. What was not measured is
// missed, except the rival of a size where no library runs the jobs.
func Targets(all []Series, next []Next) []lab.Target {
	var targets []lab.Target
	add := func(limit float64, got float64, measured bool, format string, args ...any) {
		targets = append(targets, lab.Target{
			Name: fmt.Sprintf(format, args...), Limit: limit, Got: got, Met: measured && got <= limit,
		})
	}
	for _, n := range sizes(all) {
		lean, stead := find(all, SteadLean, n), find(all, Stead, n)
		measured := len(lean.Samples) > 0 && len(stead.Samples) > 0
		add(450, lean.Of(bytes).Median, measured, "bytes per job at rest without history, N=%d", n)
		add(1, lean.Of(goroutines).Median, measured, "goroutines of all jobs at rest, N=%d", n)
		for _, m := range modes {
			for _, s := range []Series{lean, stead} {
				add(0, s.Of(m.missed).Median, measured, "slots of %s not run, %s, N=%d", s.Contender, m.name, n)
				if rival, ok := best(all, n, m); ok {
					add(1, s.Of(m.cpu).Median/rival.Of(m.cpu).Median, measured,
						"CPU of %s to %s, the best library, %s, N=%d", s.Contender, rival.Contender, m.name, n)
				}
			}
		}
		switch n {
		case 10_000:
			add(10, stead.Of(modes[0].cpu).Median, measured, "CPU in %% of a core, spread, N=%d", n)
			add(5, stead.Of(modes[0].p99).Median, measured, "p99 lateness in ms, spread, N=%d", n)
		case 100_000:
			add(100, stead.Of(setUp).Median, measured, "set-up in ms, N=%d", n)
		}
	}
	for _, s := range next {
		add(1.2, s.Ratio.Median, true, "Next to robfig's, %s in %s", s.Expr, s.Zone)
		add(0, s.Allocs, true, "allocations of Next, %s in %s", s.Expr, s.Zone)
	}
	return targets
}

// best is the library that needs the least processor time for running the jobs.
func best(all []Series, n int, m modeOf) (rival Series, ok bool) {
	for _, c := range Contenders() {
		s := find(all, c.Name, n)
		if !c.Library || len(s.Samples) == 0 || s.Of(m.share).Median < whole {
			continue
		}
		if !ok || s.Of(m.cpu).Median < rival.Of(m.cpu).Median {
			rival, ok = s, true
		}
	}
	return rival, ok
}

// modeOf reads the numbers of one mode from a sample.
type modeOf struct {
	name   string
	window func(Sample) Window
}

var modes = []modeOf{
	{"spread", func(s Sample) Window { return s.Spread }},
	{"burst", func(s Sample) Window { return s.Burst }},
}

func (m modeOf) cpu(s Sample) float64    { return m.window(s).CPU }
func (m modeOf) missed(s Sample) float64 { return m.window(s).Missed }
func (m modeOf) share(s Sample) float64  { return m.window(s).Share }
func (m modeOf) p50(s Sample) float64    { return m.window(s).P50 }
func (m modeOf) p99(s Sample) float64    { return m.window(s).P99 }
func (m modeOf) after(s Sample) float64  { return m.window(s).Bytes }

func setUp(s Sample) float64      { return s.SetUpMS }
func bytes(s Sample) float64      { return s.Bytes }
func goroutines(s Sample) float64 { return s.Goroutines }
