package ticking

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Sample is what one contender did in one round.
type Sample struct {
	SetUpMS    float64 `json:"set_up_ms"`
	Bytes      float64 `json:"bytes"`      // for each job, before its first run
	Goroutines float64 `json:"goroutines"` // of all jobs together, before their first run
	Spread     Window  `json:"spread"`
	Burst      Window  `json:"burst"`
}

// Window is what was seen while the jobs ran once a second.
type Window struct {
	CPU    float64 `json:"cpu_percent"` // of one core
	Missed float64 `json:"missed"`      // slots without a run
	Share  float64 `json:"share"`       // of the slots that were run, up to 1
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Bytes  float64 `json:"bytes"` // for each job, after its runs
}

// Series is all rounds of one contender with one number of jobs.
type Series struct {
	Contender string   `json:"contender"`
	Jobs      int      `json:"jobs"`
	Samples   []Sample `json:"samples"`
	Skipped   string   `json:"skipped,omitempty"` // why there are no more samples
}

// Plan says how much is measured. Every field must be positive.
type Plan struct {
	Sizes  []int
	Rounds int // with up to 10,000 jobs; a third of that with more
	Window int // seconds that a mode is watched
}

const period = time.Second

// Measure lets the contenders take turns, round by round. tell is called with
// what is measured next. A contender whose set-up is too slow, or that does not
// stop, is left out of the further rounds with that number of jobs.
func Measure(contenders []Contender, plan Plan, tell func(string)) []Series {
	var all []Series
	for _, n := range plan.Sizes {
		reserve(n)
		rounds := plan.Rounds
		if n > 10_000 {
			rounds = max(1, rounds/3)
		}
		series := make([]Series, len(contenders))
		for i, c := range contenders {
			series[i] = Series{Contender: c.Name, Jobs: n}
		}
		for r := range rounds {
			for i := range contenders {
				i = (i + r) % len(contenders)
				s := &series[i]
				if s.Skipped != "" {
					continue
				}
				tell(fmt.Sprintf("%d jobs, round %d of %d, %s", n, r+1, rounds, s.Contender))
				sample, err := measure(contenders[i], n, plan.Window)
				if err != nil {
					s.Skipped = err.Error()
					continue
				}
				s.Samples = append(s.Samples, sample)
			}
		}
		all = append(all, series...)
	}
	return all
}

// reserve makes the runtime keep n descriptors of goroutines, so that they are
// not counted against the contender that needs them first.
func reserve(n int) {
	var all sync.WaitGroup
	end := make(chan struct{})
	for range n {
		all.Go(func() { <-end })
	}
	close(end)
	all.Wait()
}

func measure(c Contender, n, window int) (s Sample, err error) {
	// A set-up takes little time, so what disturbs it disturbs it much.
	var took []float64
	for range 3 {
		if err := rest(c, n, &s); err != nil {
			return s, err
		}
		took = append(took, s.SetUpMS)
	}
	s.SetUpMS = lab.SpreadOf(took).Median
	if s.Spread, err = watch(c, NewLoad(n, period, Spread, period, window)); err != nil {
		return s, err
	}
	s.Burst, err = watch(c, NewLoad(n, period, Burst, period, window))
	return s, err
}

// rest looks at jobs whose first slot is half an hour away.
func rest(c Contender, n int, s *Sample) error {
	l := NewLoad(n, time.Hour, Burst, time.Hour/2, 1)
	idle, before := runtime.NumGoroutine(), memory()
	began := time.Now()
	stop, err := c.Start(l)
	took := time.Since(began)
	if err != nil {
		return errors.Join(err, settled(idle))
	}
	s.SetUpMS = took.Seconds() * 1000
	s.Bytes = (memory() - before) / float64(n)
	s.Goroutines = float64(runtime.NumGoroutine() - idle)
	runtime.KeepAlive(l)
	return end(stop, idle)
}

// watch runs the jobs once a second.
func watch(c Contender, l *Load) (w Window, err error) {
	idle, before := runtime.NumGoroutine(), memory()
	stop, err := c.Start(l)
	if err != nil {
		return w, errors.Join(err, settled(idle))
	}
	if l.align != nil {
		l.align()
	}
	l.open(l.Period + l.Period/5) // by then each job has run once, and has all it needs for it
	cpu, began := lab.CPUTime(), time.Now()
	time.Sleep(time.Until(time.Unix(0, l.from.Load()).Add(time.Duration(l.ticks) * l.Period)))
	cpu = lab.CPUTime() - cpu
	w.CPU = 100 * cpu.Seconds() / time.Since(began).Seconds()
	w.Bytes = (memory() - before) / float64(l.N)
	time.Sleep(l.Period) // for the runs that are still to come for a slot that counts
	if err := end(stop, idle); err != nil {
		return w, err
	}
	share, late := l.result()
	w.Share, w.Missed = share, float64(l.N*l.ticks-len(late))
	w.P50, w.P99 = percentile(late, 0.50), percentile(late, 0.99)
	return w, nil
}

func end(stop func() error, idle int) error {
	if err := stop(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return settled(idle)
}

func settled(idle int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return settle(ctx, idle)
}

// memory is what lives on the heap and on stacks. Once is not enough: what has a
// finalizer, and stacks, go in the second collection.
func memory() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// percentile of ascending durations in milliseconds; 0 if there are none.
func percentile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[max(i, 0)].Seconds() * 1000
}

// Of returns the spread of one number of every round.
func (s Series) Of(number func(Sample) float64) lab.Spread {
	return lab.SpreadBy(s.Samples, number)
}

// find returns the series of a contender with n jobs, without samples if it was
// not measured.
func find(all []Series, contender string, n int) Series {
	i := slices.IndexFunc(all, func(s Series) bool { return s.Contender == contender && s.Jobs == n })
	if i < 0 {
		return Series{}
	}
	return all[i]
}

// sizes are the numbers of jobs that were measured, ascending.
func sizes(all []Series) []int {
	var ns []int
	for _, s := range all {
		ns = append(ns, s.Jobs)
	}
	slices.Sort(ns)
	return slices.Compact(ns)
}
